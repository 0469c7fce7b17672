/** Reads a container's log back: all its files, oldest first, and what is still to come. */
import { createReadStream, existsSync, readdirSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Clock, sleep } from "#lib/clock";
import { LineCutter, type LogLine, parseLine } from "./log-lines.ts";

export interface LogOptions {
  readonly follow: boolean;
  readonly timestamps: boolean;
  readonly tailLines?: number;
  readonly limitBytes?: number;
  readonly sinceMs?: number;
  readonly stream: "All" | "Stderr" | "Stdout";
}

export interface LogSource {
  readonly path: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Whether its container may still write. */
  isAlive(): boolean;
}

export interface LogChunk {
  readonly stream: "stderr" | "stdout";
  readonly data: Buffer;
}

/** A file that grows is looked at this often: follow must feel immediate, and cost nothing. */
const POLL_MS = 100;

export async function* readLog(source: LogSource, options: LogOptions): AsyncGenerator<LogChunk> {
  let leftBytes = options.limitBytes ?? Number.POSITIVE_INFINITY;
  for await (const line of lines(source, options)) {
    const data = options.timestamps
      ? Buffer.concat([Buffer.from(`${line.time} `), line.text])
      : line.text;
    const cut = data.length > leftBytes ? data.subarray(0, leftBytes) : data;
    yield { stream: line.stream, data: cut };
    leftBytes -= cut.length;
    if (leftBytes <= 0) return;
  }
}

async function* lines(source: LogSource, options: LogOptions): AsyncGenerator<LogLine> {
  const wanted = (line: LogLine): boolean =>
    (options.stream === "All" || options.stream.toLowerCase() === line.stream) &&
    (options.sinceMs === undefined || Date.parse(line.time) >= options.sinceMs);
  const cutter = new LineCutter();
  const at = { inode: undefined as number | undefined, offset: 0 };
  const { tailLines } = options;
  const tail: LogLine[] = [];
  for await (const line of present(source, cutter, at)) {
    if (!wanted(line)) continue;
    if (tailLines === undefined) yield line;
    else keep(tail, line, tailLines);
  }
  yield* tail;
  if (!options.follow) return;
  for await (const line of follow(source, at, cutter)) {
    if (wanted(line)) yield line;
  }
}

/** All that is written by now; `at` is then where the newest file was read to. */
async function* present(
  source: LogSource,
  cutter: LineCutter,
  at: { inode: number | undefined; offset: number },
): AsyncGenerator<LogLine> {
  for (const path of rotated(source.path)) {
    for await (const chunk of createReadStream(path)) yield* parsed(cutter, chunk as Buffer);
    if (source.signal.aborted) return;
  }
  at.inode = statSync(source.path, { throwIfNoEntry: false })?.ino;
  const rest = await readFrom(source.path, 0);
  at.offset = rest.end;
  yield* parsed(cutter, rest.data);
}

function parsed(cutter: LineCutter, chunk: Buffer): readonly LogLine[] {
  return cutter.push(chunk).flatMap((line) => parseLine(line) ?? []);
}

/** Parts of one long line count as one. */
function keep(tail: LogLine[], line: LogLine, max: number): void {
  if (max <= 0) return;
  tail.push(line);
  if (tail.length > max) tail.shift();
}

async function* follow(
  source: LogSource,
  from: { readonly inode: number | undefined; readonly offset: number },
  cutter: LineCutter,
): AsyncGenerator<LogLine> {
  const { clock, path, signal } = source;
  let { inode, offset } = from;
  while (!signal.aborted) {
    // Asked before reading: what is written between the two is read in the next round.
    const isAlive = source.isAlive();
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats !== undefined && inode !== undefined && stats.ino !== inode) {
      const old = rotated(path).find((each) => statSync(each).ino === inode);
      if (old !== undefined) yield* parsed(cutter, (await readFrom(old, offset)).data);
      offset = 0;
    }
    inode = stats?.ino ?? inode;
    if (stats !== undefined && stats.size > offset) {
      const { data, end } = await readFrom(path, offset);
      offset = end;
      yield* parsed(cutter, data);
      continue;
    }
    if (!isAlive) return;
    await sleep(clock, POLL_MS, signal);
  }
}

/** In pieces of the file's own size: a log file is bounded by its rotation. */
async function readFrom(path: string, offset: number): Promise<{ data: Buffer; end: number }> {
  if (!existsSync(path)) return { data: Buffer.alloc(0), end: offset };
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const data = Buffer.alloc(Math.max(0, size - offset));
    const { bytesRead } = await file.read(data, 0, data.length, offset);
    return { data: data.subarray(0, bytesRead), end: offset + bytesRead };
  } finally {
    await file.close();
  }
}

/** Files that were put aside, oldest first: their names end in the time. */
export function rotated(path: string): readonly string[] {
  const directory = dirname(path);
  const prefix = `${basename(path)}.`;
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.startsWith(prefix))
    .map((name) => join(directory, name))
    .toSorted();
}
