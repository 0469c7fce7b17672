/** Makes proto/gen from the API description: types in JSON shape, the codec's tables, and the services' stubs. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { buf, readDescription } from "./generate/description.ts";
import { tableFiles } from "./generate/table-files.ts";
import { typeFiles } from "./generate/type-files.ts";

const root = dirname(import.meta.dirname);
const out = join(root, "proto/gen");

main();

function main(): void {
  const description = readDescription(root);
  const files = new Map([...typeFiles(description), ...tableFiles(description), ...serviceFiles()]);
  for (const [path, text] of files) writeIfChanged(join(out, path), text);
  for (const folder of ["types", "tables", "services"]) removeOthers(folder, files);
}

/** ts-proto writes files itself, so they go to a folder aside first. */
function serviceFiles(): Map<string, string> {
  mkdirSync(out, { recursive: true });
  const aside = mkdtempSync(join(out, ".services-"));
  try {
    buf(["generate", "--path", "proto/services", "-o", aside], root);
    const from = join(aside, "proto/gen");
    return new Map(
      filesBelow(from).map((path) => [path, readFileSync(join(from, path), "utf8")] as const),
    );
  } finally {
    rmSync(aside, { recursive: true });
  }
}

/** By rename, so that a program that starts meanwhile reads the old file or the new one. */
function writeIfChanged(path: string, text: string): void {
  if (existsSync(path) && readFileSync(path, "utf8") === text) return;
  mkdirSync(dirname(path), { recursive: true });
  const aside = `${path}.${process.pid}.tmp`;
  writeFileSync(aside, text);
  renameSync(aside, path);
}

function removeOthers(folder: string, files: ReadonlyMap<string, string>): void {
  for (const path of filesBelow(join(out, folder))) {
    if (!files.has(join(folder, path)) && !path.endsWith(".tmp")) rmSync(join(out, folder, path));
  }
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted();
}
