import type { Pod } from "#proto/core/v1";
import { pods } from "#resources";
import { pathOf } from "../connection/path.ts";
import type { Session } from "../session.ts";
import { UserError } from "../terminal.ts";
import { checkContainer, defaultContainer, podOf, podsBySelector } from "./pods-of.ts";

export interface LogsOptions {
  readonly follow?: boolean;
  readonly previous?: boolean;
  readonly container?: string;
  readonly allContainers?: boolean;
  readonly selector?: string;
  readonly since?: string;
  readonly sinceTime?: string;
  readonly tail?: number;
  readonly timestamps?: boolean;
  readonly limitBytes?: number;
  readonly prefix?: boolean;
  readonly deleted?: boolean;
  readonly maxLogRequests?: number;
}

interface Source {
  readonly pod: string;
  readonly namespace: string;
  readonly container: string;
}

/** As many as kubectl follows at once before it asks for --max-log-requests. */
const FOLLOWED_MAX = 5;
/** Of each pod when a selector names many. */
const SELECTED_TAIL = 10;

/** Prints what containers wrote, as they wrote it. */
export async function logs(
  session: Session,
  word: string | undefined,
  options: LogsOptions,
): Promise<void> {
  const sources = await sourcesOf(session, word, options);
  const many = sources.length > 1;
  const tail = options.tail ?? (options.selector === undefined ? undefined : SELECTED_TAIL);
  const print = (source: Source): Promise<void> =>
    copy(session, source, { ...options, ...(tail === undefined ? {} : { tail }) }, many);
  if (options.follow !== true) {
    for (const source of sources) await print(source);
    return;
  }
  const max = options.maxLogRequests ?? FOLLOWED_MAX;
  if (sources.length > max) {
    throw new UserError(
      `${sources.length} containers to follow, at most ${max}; choose fewer, or raise --max-log-requests`,
    );
  }
  await Promise.all(sources.map(print));
}

async function sourcesOf(
  session: Session,
  word: string | undefined,
  options: LogsOptions,
): Promise<readonly Source[]> {
  if (options.selector !== undefined) {
    const found = await podsBySelector(session, options.selector);
    if (found.length === 0) throw new UserError(`no pods match ${options.selector}`);
    return found.flatMap((pod) => containersOf(pod, options));
  }
  if (word === undefined) throw new UserError("name a pod, or choose pods with -l");
  if (options.deleted === true) {
    const [pod = ""] = word.split("/").slice(-1);
    return [{ pod, namespace: session.namespace, container: options.container ?? "" }];
  }
  return containersOf(await podOf(session, word), options);
}

function containersOf(pod: Pod, options: LogsOptions): readonly Source[] {
  const source = (container: string): Source => ({
    pod: pod.metadata.name,
    namespace: pod.metadata.namespace ?? "",
    container,
  });
  if (options.allContainers === true) {
    return [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(({ name }) =>
      source(name),
    );
  }
  return [source(checkContainer(pod, options.container ?? defaultContainer(pod)))];
}

async function copy(
  session: Session,
  source: Source,
  options: LogsOptions,
  many: boolean,
): Promise<void> {
  const { pod, namespace, container } = source;
  const path = pathOf({ resource: pods, namespace, name: pod, subresource: "log" });
  const query = {
    container: container === "" ? undefined : container,
    follow: options.follow === true ? true : undefined,
    previous: options.previous === true ? true : undefined,
    deleted: options.deleted === true ? true : undefined,
    timestamps: options.timestamps === true ? true : undefined,
    sinceSeconds: options.since === undefined ? undefined : seconds(options.since),
    sinceTime: options.sinceTime,
    tailLines: options.tail,
    limitBytes: options.limitBytes,
  };
  const response = await session.connection.stream(path, {
    query,
    accept: "*/*",
    signal: session.signal,
  });
  response.setEncoding("utf8");
  const prefix = many || options.prefix === true ? `[pod/${pod}/${container}] ` : "";
  try {
    await copyLines(response, prefix, (text) => session.terminal.out(text));
  } catch (error) {
    // Ctrl-C while following is the ordinary end.
    if (!session.signal.aborted) throw error;
  }
}

async function copyLines(
  source: AsyncIterable<string>,
  prefix: string,
  print: (text: string) => void,
): Promise<void> {
  if (prefix === "") {
    for await (const chunk of source) print(chunk);
    return;
  }
  let rest = "";
  for await (const chunk of source) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) print(`${prefix}${line}\n`);
  }
  if (rest !== "") print(`${prefix}${rest}\n`);
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `90s`, `5m`, `1h30m` in seconds. */
export function seconds(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)([smhd])/g)];
  const isWhole = parts.map(([all]) => all).join("") === text && parts.length > 0;
  if (!isWhole)
    throw new UserError(`${JSON.stringify(text)} is no duration; write 90s, 5m or 1h30m`);
  return Math.ceil(
    parts.reduce((sum, [, count, unit = "s"]) => sum + Number(count) * (UNITS[unit] ?? 0), 0),
  );
}
