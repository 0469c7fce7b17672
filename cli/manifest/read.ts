import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Terminal, UserError } from "../terminal.ts";
import type { Manifest } from "./manifest.ts";
import { parseManifests } from "./parse.ts";

export interface ReadOptions {
  readonly recursive: boolean;
}

const EXTENSIONS = /\.(ya?ml|json)$/;
const URL_BYTES_MAX = 10 * 1024 * 1024;

/** Reads what `-f` named: files, directories, URLs, `-`. In the order given; within a directory by name. */
export async function readManifests(
  terminal: Pick<Terminal, "readInput">,
  sources: readonly string[],
  options: ReadOptions,
): Promise<Manifest[]> {
  const found: Manifest[] = [];
  for (const source of sources) {
    for (const { name, text } of await textsOf(terminal, source, options)) {
      found.push(...parseManifests(name, text));
    }
  }
  if (found.length === 0) throw new UserError(`no objects in ${sources.join(", ")}`);
  return found;
}

interface SourceText {
  readonly name: string;
  readonly text: string;
}

async function textsOf(
  terminal: Pick<Terminal, "readInput">,
  source: string,
  options: ReadOptions,
): Promise<SourceText[]> {
  if (source === "-") return [{ name: "-", text: await terminal.readInput() }];
  if (/^https?:\/\//.test(source)) return [{ name: source, text: await download(source) }];
  const found = await stat(source).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") throw new UserError(`${source}: no such file or directory`);
    throw new UserError(`${source}: ${error.message}`);
  });
  if (!found.isDirectory()) return [{ name: source, text: await readFile(source, "utf8") }];
  const files = await filesBelow(source, options.recursive);
  if (files.length === 0) {
    throw new UserError(`${source}: no .yaml, .yml or .json file in this directory`);
  }
  return Promise.all(files.map(async (name) => ({ name, text: await readFile(name, "utf8") })));
}

async function filesBelow(directory: string, recursive: boolean): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const byName = entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const found: string[] = [];
  for (const entry of byName) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      if (recursive) found.push(...(await filesBelow(path, true)));
    } else if (EXTENSIONS.test(entry.name)) {
      found.push(path);
    }
  }
  return found;
}

async function download(url: string): Promise<string> {
  const response = await fetch(url).catch((error: Error) => {
    const why = error.cause instanceof Error ? error.cause.message : error.message;
    throw new UserError(`${url}: ${why}`);
  });
  if (!response.ok) throw new UserError(`${url}: HTTP ${response.status} ${response.statusText}`);
  const text = await response.text();
  if (text.length > URL_BYTES_MAX) throw new UserError(`${url}: larger than 10 MiB`);
  return text;
}
