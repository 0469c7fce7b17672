/** The npm package as its users meet it: packed, installed in an empty directory, type-checked, run by the machine's Node. */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { mustRun } from "../harness/run.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const EXAMPLE = join(ROOT, "examples/testing/deployment.test.ts");
const TSC = join(ROOT, "node_modules/.bin/tsc");
/** The machine's, as npm's own is; Naru's is newer. */
const NODE = "node";

const directory = mkdtempSync(join(tmpdir(), "naru-package-"));

before(async () => {
  const packed = await mustRun([process.execPath, join(ROOT, "tools/package.ts")]);
  writeFileSync(join(directory, "package.json"), JSON.stringify({ type: "module" }));
  // Without a network: the package needs no other.
  await inDirectory(["npm", "install", "--offline", join(ROOT, packed.trim())]);
});

after(() => rmSync(directory, { recursive: true }));

test("the package brings no other and no source", () => {
  const installed = readdirSync(join(directory, "node_modules")).filter((name) => name[0] !== ".");
  assert.deepEqual(installed, ["naru"]);
  const files = readdirSync(join(directory, "node_modules/naru"), {
    recursive: true,
    encoding: "utf8",
  });
  assert.deepEqual(
    files.filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts")),
    [],
  );
});

test("the example passes the strictest of compilers and runs on the machine's Node", async () => {
  cpSync(EXAMPLE, join(directory, "deployment.test.ts"));
  writeTsconfig({ types: ["node"], typeRoots: [join(ROOT, "node_modules/@types")] });
  await inDirectory([TSC, "-p", "."]);
  assert.match(readFileSync(join(directory, "deployment.test.js"), "utf8"), /from "naru\/testing"/);
  const told = await inDirectory([NODE, "--test", "--test-reporter=tap", "deployment.test.js"]);
  assert.match(told, /^# pass 1$/m);
  assert.match(told, /^# fail 0$/m);
});

test("the declarations tell a wrong use", async () => {
  writeFileSync(
    join(directory, "wrong.ts"),
    'import { Cluster } from "naru";\nawait Cluster.start({ nodes: "three" });\n',
  );
  writeTsconfig({
    files: ["wrong.ts"],
    types: ["node"],
    typeRoots: [join(ROOT, "node_modules/@types")],
  });
  await assert.rejects(
    inDirectory([TSC, "-p", "."]),
    /wrong\.ts\(2,23\): error TS2322: Type 'string' is not assignable to type 'number'/,
  );
});

function writeTsconfig({
  files,
  ...options
}: {
  readonly files?: readonly string[];
  readonly [name: string]: unknown;
}): void {
  const compilerOptions = {
    target: "es2023",
    lib: ["es2023"],
    module: "nodenext",
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    ...options,
  };
  const which = files ?? ["deployment.test.ts"];
  writeFileSync(
    join(directory, "tsconfig.json"),
    JSON.stringify({ compilerOptions, files: which }),
  );
}

/** Not as a test of this test: `node --test` runs none inside of one. */
function inDirectory(command: readonly string[]): Promise<string> {
  return mustRun([
    "sh",
    "-c",
    'cd "$0" && unset NODE_TEST_CONTEXT && exec "$@"',
    directory,
    ...command,
  ]);
}
