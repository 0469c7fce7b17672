/** Reads kubeconfig files as kubectl does: https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/ */
import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";

/** Something about the file that its owner can mend. */
export class KubeconfigError extends Error {
  override readonly name = "KubeconfigError";
}

/** How to reach a server, and as whom. */
export interface Access {
  readonly server: string;
  /** PEM. */
  readonly authority: string | undefined;
  readonly skipVerify: boolean;
  readonly serverName: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly token: string | undefined;
  /** The context's namespace. */
  readonly namespace: string;
}

export interface KubeconfigOptions {
  /** Files in order of precedence: the first that defines something wins. */
  readonly paths: readonly string[];
  readonly context: string | undefined;
}

interface Named {
  readonly name: string;
  readonly file: string;
  readonly value: Readonly<Record<string, unknown>>;
}

export function readAccess(options: KubeconfigOptions): Access {
  const files = options.paths.filter((path) => existsSync(path));
  if (files.length === 0) {
    throw new KubeconfigError(
      `no kubeconfig at ${options.paths.join(" or ")}; start a cluster with \`naru up\`, or name one with --kubeconfig`,
    );
  }
  const documents = files.map((file) => ({ file, value: read(file) }));
  const current =
    options.context ?? firstText(documents.map(({ value }) => value["current-context"]));
  if (current === undefined)
    throw new KubeconfigError(`${files[0]}: no current-context; name one with --context`);
  const named = (list: string, item: string): Named[] =>
    documents.flatMap(({ file, value }) => entries(value[list], item, file));
  const context = find(named("contexts", "context"), current, "context");
  const cluster = find(named("clusters", "cluster"), text(context.value, "cluster"), "cluster");
  const userName = optionalText(context.value, "user");
  const user = userName === undefined ? undefined : find(named("users", "user"), userName, "user");
  return {
    server: text(cluster.value, "server").replace(/\/$/, ""),
    authority: content(cluster, "certificate-authority"),
    skipVerify: cluster.value["insecure-skip-tls-verify"] === true,
    serverName: optionalText(cluster.value, "tls-server-name"),
    certificate: user && content(user, "client-certificate"),
    key: user && content(user, "client-key"),
    token: user && (optionalText(user.value, "token") ?? fileContent(user, "tokenFile")?.trim()),
    namespace: optionalText(context.value, "namespace") ?? "default",
  };
}

function read(file: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new KubeconfigError(
      `${file}: ${cause instanceof Error ? cause.message.split("\n")[0] : cause}`,
      { cause },
    );
  }
  if (typeof value !== "object" || value === null)
    throw new KubeconfigError(`${file}: not a kubeconfig`);
  return value as Record<string, unknown>;
}

function entries(list: unknown, item: string, file: string): Named[] {
  if (!Array.isArray(list)) return [];
  return list.map((each: Record<string, unknown>) => ({
    name: String(each["name"]),
    file,
    value: (each[item] ?? {}) as Record<string, unknown>,
  }));
}

function find(all: readonly Named[], name: string, what: string): Named {
  const found = all.find((each) => each.name === name);
  if (found !== undefined) return found;
  const have = all.map((each) => each.name).join(", ");
  throw new KubeconfigError(
    `kubeconfig has no ${what} ${JSON.stringify(name)}; it has: ${have || "none"}`,
  );
}

/** A PEM that stands in the file itself, base64, or in a file of its own. */
function content(entry: Named, key: string): string | undefined {
  const data = optionalText(entry.value, `${key}-data`);
  if (data !== undefined) return Buffer.from(data, "base64").toString("utf8");
  return fileContent(entry, key);
}

function fileContent(entry: Named, key: string): string | undefined {
  const path = optionalText(entry.value, key);
  if (path === undefined) return undefined;
  // Relative to the kubeconfig, wherever the command is run.
  const absolute = resolve(dirname(entry.file), path);
  try {
    return readFileSync(absolute, "utf8");
  } catch (cause) {
    throw new KubeconfigError(`${entry.file}: ${key} ${absolute} cannot be read`, { cause });
  }
}

function text(value: Readonly<Record<string, unknown>>, key: string): string {
  const found = optionalText(value, key);
  if (found === undefined) throw new KubeconfigError(`kubeconfig: ${key} is missing`);
  return found;
}

function optionalText(value: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const found = value[key];
  return typeof found === "string" && found !== "" ? found : undefined;
}

function firstText(values: readonly unknown[]): string | undefined {
  return values.find((value): value is string => typeof value === "string" && value !== "");
}
