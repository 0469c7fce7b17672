/**
 * Writes the list of Kubernetes' resources and admission plugins into docs/status.md, out of what the server serves.
 * status.ts [--check]   (--check: changes nothing, fails when the page is not what it would write)
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RESOURCES } from "#resources";
import { ADMISSION_PLUGINS, pluginsServed } from "./status/admission-plugins.ts";
import { kubernetesResources, type Support, supportOf } from "./status/support.ts";

const PAGE = join(import.meta.dirname, "../docs/status.md");
const BEGIN = "<!-- begin: written by tools/status.ts -->";
const END = "<!-- end -->";

const ADMISSION = join(import.meta.dirname, "../apiserver/admission/index.ts");

const before = readFileSync(PAGE, "utf8");
const after = withSection(before, table());
if (process.argv.includes("--check")) {
  if (before !== after) {
    process.stderr.write("docs/status.md is not up to date; run bin/node tools/status.ts\n");
    process.exitCode = 1;
  }
} else if (before !== after) writeFileSync(PAGE, after);

function table(): string {
  const found = kubernetesResources().map((each) => supportOf(each, RESOURCES));
  const count = (support: Support["support"]): number =>
    found.filter((each) => each.support === support).length;
  const served = pluginsServed(readFileSync(ADMISSION, "utf8"));
  const names = ADMISSION_PLUGINS.map(([name]) => name);
  return [
    `Of ${found.length} resources: ${count("yes")} yes, ${count("partial")} partial, ${count("no")} no.`,
    "",
    "| group version | resource | served | without |",
    "|---|---|---|---|",
    ...found.map(
      ({ apiVersion, plural, support, missing }) =>
        `| ${apiVersion} | ${plural} | ${support} | ${missing.join(", ")} |`,
    ),
    "",
    `Of ${names.length} admission plugins ${served.length} are there: ${served.join(", ")}.`,
    `Not there: ${names.filter((name) => !served.includes(name)).join(", ")}.`,
  ].join("\n");
}

function withSection(page: string, section: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`docs/status.md: no lines ${BEGIN} and ${END}`);
  return `${page.slice(0, begin + BEGIN.length)}\n\n${section}\n\n${page.slice(end)}`;
}
