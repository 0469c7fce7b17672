/**
 * Runs the tests: run-tests.ts [PATH-PART…]. Those that hold the machine as a whole run alone, so that one's load is
 * not another's time-out; the rest share the cores.
 */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";

/** Folders whose tests make network namespaces, cgroups or whole clusters. */
const ALONE = [
  "test/e2e/",
  "test/chaos/",
  "test/compat/containers",
  "test/conformance/",
  "test/oci-runtime/",
  "test/package/",
  "nodeagent/runtime/",
  "nodeagent/network/",
  "nodeagent/proxy/",
];

const wanted = process.argv.slice(2);
const files = globSync("**/*.test.ts", { exclude: ["node_modules/**", "dist/**", "proto/gen/**"] })
  .filter((file) => file !== "tools/tidy.test.ts")
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .toSorted();
const alone = files.filter((file) => ALONE.some((folder) => file.startsWith(folder)));
const together = files.filter((file) => !alone.includes(file));

const statuses = [run(together, 2), run(alone, 1)];
process.exitCode = statuses.every((status) => status === 0) ? 0 : 1;

function run(paths: readonly string[], concurrency: number): number {
  if (paths.length === 0) return 0;
  const options = ["--test", `--test-concurrency=${concurrency}`, "--test-timeout=300000"];
  const parameters = ["--disable-warning=ExperimentalWarning", ...options, ...paths];
  return spawnSync(process.execPath, parameters, { stdio: "inherit" }).status ?? 1;
}
