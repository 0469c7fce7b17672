/**
 * Rules about the code itself that no compiler flag and no linter states. Each is one test; each failure names file and
 * line. A rule that is not checked here is only an opinion.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { test } from "node:test";
import { parseSync, Visitor } from "oxc-parser";

/** Who may import whom. Reading down, every folder may import only what is listed for it. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  // `lib/json.ts` is the type of any JSON value, which the kinds' own types need.
  proto: ["lib"],
  lib: ["proto"],
  client: ["proto", "lib"],
  apiserver: ["proto", "lib"],
  scheduler: ["proto", "lib", "client"],
  controllers: ["proto", "lib", "client"],
  nodeagent: ["proto", "lib", "client"],
  naru: ["proto", "lib", "client", "apiserver", "scheduler", "controllers", "nodeagent"],
  cli: ["proto", "lib", "client", "naru"],
};
/** Within the agent: only these know the others; the rest do not know one another. */
const AGENT_SUBSYSTEMS = [
  "runtime",
  "network",
  "volumes",
  "images",
  "dns",
  "proxy",
  "probes",
  "logs",
];
const AGENT_DOORS: Readonly<Record<string, readonly string[]>> = {
  // The service proxy and the DNS server are parts of the network, started by it.
  network: ["proxy", "dns"],
};

const FUNCTION_LINES_MAX = 60;
const FILE_LINES_MAX = 400;
const BLOB_BYTES_MAX = 256 * 1024;

/** Names that stand for time, chance or the machine, and the only places where they may be used. */
const BANNED: readonly {
  readonly name: RegExp;
  readonly instead: string;
  readonly allowed: RegExp;
}[] = [
  {
    name: /\bDate\.now\(/,
    instead: "Clock.nowMs()", // gRPC takes deadlines as times of the machine's own clock.
    allowed: /^(lib\/system-clock|client\/transport\/grpc)\.ts$/,
  },
  { name: /\bnew Date\(\)/, instead: "Clock.nowMs()", allowed: /^$/ },
  {
    name: /\bperformance\.now\(/,
    instead: "Clock.monotonicMs()",
    allowed: /^lib\/system-clock\.ts$/,
  },
  { name: /\bMath\.random\(/, instead: "Random", allowed: /^lib\/system-random\.ts$/ },
  { name: /(?<!\.)\bsetTimeout\(/, instead: "Clock.after()", allowed: /^lib\/system-clock\.ts$/ },
  { name: /(?<!\.)\bsetInterval\(/, instead: "Clock.after()", allowed: /^$/ },
  {
    name: /(?<!\.)\bprocess\.env(?!\.)\b/,
    instead: "an option",
    allowed: /(^|\/)main\.ts$|^naru\//,
  },
  { name: /from "koffi"/, instead: "kernel/libc.ts", allowed: /^nodeagent\/kernel\/libc\.ts$/ },
];

const tracked = execFileSync("git", ["ls-files", "-z"], { encoding: "utf8" })
  .split("\0")
  .filter((file) => file !== "" && existsSync(file));
const sources = tracked.filter((file) => file.endsWith(".ts"));
const layered = sources.filter((file) => folderOf(file) in MAY_IMPORT);
const production = layered.filter((file) => !isTestFile(file));

test("every folder imports only the layers below it", () => {
  const broken = production.flatMap((file) => {
    const allowed = MAY_IMPORT[folderOf(file)] ?? [];
    return importsOf(file)
      .map(folderOf)
      .filter((target) => target in MAY_IMPORT)
      .filter((target) => target !== folderOf(file) && !allowed.includes(target))
      .map((target) => `${file} imports ${target}`);
  });
  assert.deepEqual(broken, []);
});

test("the agent's subsystems do not know one another", () => {
  const inAgent = production.filter((file) => file.startsWith("nodeagent/"));
  const broken = inAgent.flatMap((file) => {
    const own = file.split("/")[1] ?? "";
    if (!AGENT_SUBSYSTEMS.includes(own)) return [];
    return importsOf(file)
      .filter((target) => target.startsWith("nodeagent/"))
      .map((target) => target.split("/")[1] ?? "")
      .filter((target) => AGENT_SUBSYSTEMS.includes(target) && target !== own)
      .filter((target) => !(AGENT_DOORS[own] ?? []).includes(target))
      .map((target) => `${file} imports ${target}`);
  });
  assert.deepEqual(broken, []);
});

test(`no function is longer than ${FUNCTION_LINES_MAX} lines`, () => {
  assert.deepEqual(production.flatMap(longFunctions), []);
});

test(`no source file is longer than ${FILE_LINES_MAX} lines`, () => {
  const long = production
    .map((file) => ({ file, lines: readFileSync(file, "utf8").split("\n").length - 1 }))
    .filter(({ lines }) => lines > FILE_LINES_MAX)
    .map(({ file, lines }) => `${file} has ${lines} lines`);
  assert.deepEqual(long, []);
});

for (const { name, instead, allowed } of BANNED) {
  test(`${name.source} is used only where it is made; elsewhere: ${instead}`, () => {
    const used = production
      .filter((file) => !allowed.test(file))
      .flatMap((file) => linesWith(file, name));
    assert.deepEqual(used, []);
  });
}

test("every document has one first-level heading", () => {
  const broken = tracked
    .filter((file) => file.endsWith(".md"))
    .filter((file) => headings(file).length !== 1)
    .map((file) => `${file} has ${headings(file).length}`);
  assert.deepEqual(broken, []);
});

test("every path that ARCHITECTURE.md names exists", () => {
  const text = readFileSync("ARCHITECTURE.md", "utf8");
  const paths = [...text.matchAll(/`([a-z][\w.-]*\/[\w./-]*)`/g)].map((found) => found[1] ?? "");
  assert.ok(paths.length > 0, "ARCHITECTURE.md names no path at all");
  assert.deepEqual(
    paths.filter((path) => !existsSync(path)),
    [],
  );
});

test("every decision record has its sections", () => {
  const sections = [
    "Context",
    "Options",
    "Decision",
    "Consequences",
    "How we would know it was wrong",
  ];
  const broken = tracked
    .filter((file) => /^docs\/decisions\/\d{4}-.*\.md$/.test(file))
    .flatMap((file) => {
      const text = readFileSync(file, "utf8");
      return sections
        .filter((section) => !text.includes(`\n## ${section}\n`))
        .map((section) => `${file} lacks "${section}"`);
    });
  assert.deepEqual(broken, []);
});

test("no tracked file is larger than 256 KiB", () => {
  const large = tracked
    .filter((file) => file !== "package-lock.json")
    .filter((file) => statSync(file).size > BLOB_BYTES_MAX);
  assert.deepEqual(large, []);
});

test("no unfinished word stands in the code", () => {
  // Put together from parts, so that this line does not find itself.
  const unfinished = new RegExp(`\\b(${["FIX" + "ME", "XX" + "X", "TO" + "DO"].join("|")})\\b`);
  assert.deepEqual(
    sources.flatMap((file) => linesWith(file, unfinished)),
    [],
  );
});

/** The project's files that a file's imports lead to, through `#name` or a relative path, static or dynamic. */
function importsOf(file: string): string[] {
  const parsed = parseSync(file, readFileSync(file, "utf8"));
  const dynamic: string[] = [];
  const visitor = new Visitor({
    ImportExpression(node) {
      if (node.source.type === "Literal") dynamic.push(String(node.source.value));
    },
  });
  visitor.visit(parsed.program);
  return [...parsed.module.staticImports.map((found) => found.moduleRequest.value), ...dynamic]
    .filter((target) => target.startsWith("#") || target.startsWith("."))
    .map((target) =>
      target.startsWith("#")
        ? doorFolder(target.slice(1))
        : new URL(target, `file:///${file}`).pathname.slice(1),
    );
}

/** `#codec`, `#resources` and `#services/…` are doors into proto. */
function doorFolder(door: string): string {
  return /^(codec|resources|services)\b/.test(door) ? "proto" : door;
}

function longFunctions(file: string): string[] {
  const text = readFileSync(file, "utf8");
  const found: string[] = [];
  const check = (node: { start: number; end: number }): void => {
    const lines = text.slice(node.start, node.end).split("\n").length;
    if (lines > FUNCTION_LINES_MAX) {
      found.push(`${file}:${text.slice(0, node.start).split("\n").length} has ${lines} lines`);
    }
  };
  const visitor = new Visitor({
    FunctionDeclaration: check,
    FunctionExpression: check,
    ArrowFunctionExpression: check,
  });
  visitor.visit(parseSync(file, text).program);
  return found;
}

function linesWith(file: string, pattern: RegExp): string[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line, at) =>
      pattern.test(line) && !/^\s*(\/\/|\*|\/\*)/.test(line)
        ? [`${file}:${at + 1}: ${line.trim()}`]
        : [],
    );
}

function headings(file: string): string[] {
  const withoutCode = readFileSync(file, "utf8").replace(/^```.*?^```/gms, "");
  return withoutCode.split("\n").filter((line) => line.startsWith("# "));
}

/** Suites, fakes and tools that only tests import. */
function isTestFile(file: string): boolean {
  return /\.test\.ts$|(^|\/)(contract|fake|test)(-[\w-]+)?\.ts$|(^|\/)testing(\/|\.ts$)/.test(file);
}

function folderOf(path: string): string {
  return path.split("/")[0] ?? "";
}
