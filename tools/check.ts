/** `npm run check`: everything about the code that needs no running cluster. All checks run, so that all is seen at once. */
import { spawnSync } from "node:child_process";

const CHECKS: readonly { readonly name: string; readonly command: readonly string[] }[] = [
  {
    name: "generated code is up to date",
    command: ["bin/node", "tools/generate.ts", "--if-stale"],
  },
  { name: "types", command: ["node_modules/.bin/tsc", "-p", "."] },
  { name: "format and lint", command: ["node_modules/.bin/biome", "check", "."] },
  { name: "API description", command: ["node_modules/.bin/buf", "lint"] },
  { name: "dead code", command: ["bin/node", "node_modules/knip/bin/knip.js"] },
  { name: "status page", command: ["bin/node", "tools/status.ts", "--check"] },
  { name: "tidy", command: ["bin/node", "--test", "tools/tidy.test.ts"] },
];

let failed = 0;
for (const { name, command } of CHECKS) {
  const [program = "", ...parameters] = command;
  const result = spawnSync(program, parameters, { encoding: "utf8" });
  const good = result.status === 0;
  process.stdout.write(`${good ? "ok  " : "FAIL"} ${name}\n`);
  if (good) continue;
  failed++;
  process.stdout.write(`${result.stdout}${result.stderr}${result.error?.message ?? ""}\n`);
}
process.exitCode = failed === 0 ? 0 : 1;
