import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseSync } from "oxc-parser";
import workshop from "../../package.json" with { type: "json" };

const DOORS: Readonly<Record<string, string>> = workshop.imports;

/** The declaration files that these lead to, themselves among them. `root`: where the compiler put the tree. */
export function reachableDeclarations(entries: readonly string[], root: string): readonly string[] {
  const reached = new Set(entries);
  // A set gives what is added while it is walked.
  for (const file of reached) {
    for (const target of targetsOf(file)) {
      if (target.startsWith("#")) reached.add(join(root, doorFile(target)));
      else if (target.startsWith(".")) reached.add(join(dirname(file), declaration(target)));
    }
  }
  return [...reached];
}

function targetsOf(file: string): readonly string[] {
  const text = readFileSync(file, "utf8");
  const { module } = parseSync(file, text);
  return [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.map(({ moduleRequest }) => moduleRequest?.value ?? ""),
    ),
    // Types that are named where they stand.
    ...[...text.matchAll(/\bimport\("([^"]+)"\)/g)].map(([, target = ""]) => target),
  ];
}

/** `#proto/core/v1` is what package.json says of `#proto/*`. */
function doorFile(door: string): string {
  for (const [pattern, target] of Object.entries(DOORS)) {
    const [before = "", after] = pattern.split("*");
    if (after === undefined ? door === pattern : door.startsWith(before)) {
      return declaration(target.replace("*", door.slice(before.length)));
    }
  }
  throw new Error(`${door}: package.json has no such import`);
}

function declaration(source: string): string {
  return source.replace(/\.ts$/, ".d.ts");
}
