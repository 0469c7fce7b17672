import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The licenses of all packages that bundled files come from, as their terms want; one text. `files`: paths of sources. */
export function licensesOf(files: readonly string[], root: string): string {
  const folders = new Set(files.flatMap((file) => packageFolder(file) ?? []));
  const texts = [...folders].toSorted().map((folder) => licenseOf(join(root, folder)));
  return `${texts.join(`\n\n${"-".repeat(80)}\n\n`)}\n`;
}

function packageFolder(file: string): string | undefined {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
}

function licenseOf(folder: string): string {
  const { license, name, version } = JSON.parse(
    readFileSync(join(folder, "package.json"), "utf8"),
  ) as { readonly name: string; readonly version: string; readonly license?: string };
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  const text =
    file === undefined ? `License: ${license}` : readFileSync(join(folder, file), "utf8");
  return `${name} ${version}\n\n${text.trim()}`;
}
