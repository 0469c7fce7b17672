import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { systemClock } from "#lib/system-clock";
import {
  findPodLogs,
  KEPT_BYTES_MAX,
  KEPT_MS_MAX,
  keptContainer,
  latestLog,
  planLogRemoval,
} from "./kept-logs.ts";
import { type LogOptions, readLog } from "./read-logs.ts";

let directory = "";
let path = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "naru-logs-"));
  path = join(directory, "0.log");
});
afterEach(() => rmSync(directory, { recursive: true }));

const line = (second: number, stream: string, text: string, tag = "F"): string =>
  `2026-01-01T00:00:0${second}.000000000Z ${stream} ${tag} ${text}\n`;

async function read(more: Partial<LogOptions> = {}, isAlive = () => false): Promise<string> {
  const { signal } = new AbortController();
  const options: LogOptions = { follow: false, timestamps: false, stream: "All", ...more };
  let text = "";
  for await (const chunk of readLog({ path, clock: systemClock, signal, isAlive }, options)) {
    text += chunk.data.toString();
  }
  return text;
}

test("readLog reads rotated files first, and joins parts", async () => {
  writeFileSync(`${path}.20260101-000000.000`, line(0, "stdout", "one"));
  writeFileSync(
    path,
    line(1, "stdout", "tw", "P") + line(1, "stdout", "o") + line(2, "stderr", "three"),
  );
  assert.equal(await read(), "one\ntwo\nthree\n");
  assert.equal(await read({ tailLines: 1 }), "three\n");
  assert.equal(await read({ tailLines: 0 }), "");
  assert.equal(await read({ stream: "Stderr" }), "three\n");
  assert.equal(await read({ sinceMs: Date.parse("2026-01-01T00:00:01Z") }), "two\nthree\n");
  assert.equal(await read({ limitBytes: 5 }), "one\nt");
  assert.match(
    await read({ timestamps: true, tailLines: 1 }),
    /^2026-01-01T00:00:02\.000000000Z three\n$/,
  );
});

test("readLog follows over a rotation until the container has ended", async () => {
  writeFileSync(path, line(0, "stdout", "a"));
  let isAlive = true;
  const text = read({ follow: true }, () => isAlive);
  setTimeout(() => appendFileSync(path, line(1, "stdout", "b")), 20);
  setTimeout(() => {
    appendFileSync(path, line(2, "stdout", "c"));
    renameSync(path, `${path}.20260101-000002.000`);
    writeFileSync(path, line(3, "stdout", "d"));
    isAlive = false;
  }, 60);
  assert.equal(await text, "a\nb\nc\nd\n");
});

test("readLog of a log that is not there is empty", async () => assert.equal(await read(), ""));

test("planLogRemoval bounds age and size", () => {
  const log = (name: string, bytes: number, changedAtMs: number) => ({
    directory: name,
    bytes,
    changedAtMs,
  });
  const now = KEPT_MS_MAX * 2;
  const logs = [log("old", 1, 0), log("new", 1, now), log("big", KEPT_BYTES_MAX, now - 1)];
  assert.deepEqual(
    planLogRemoval(logs, now).map((each) => each.directory),
    ["big", "old"],
  );
});

test("findPodLogs finds what is kept of a pod", () => {
  mkdirSync(join(directory, "default_web_u1", "main"), { recursive: true });
  writeFileSync(join(directory, "default_web_u1", "main", "3.log"), "");
  writeFileSync(join(directory, "default_web_u1", "main", "10.log"), "");
  const found = findPodLogs(directory, { namespace: "default", name: "web" }) ?? "";
  assert.equal(latestLog(found, "main", 0), join(found, "main", "10.log"));
  assert.equal(latestLog(found, "main", 1), join(found, "main", "3.log"));
  assert.equal(findPodLogs(directory, { namespace: "default", name: "other" }), undefined);
});

test("keptContainer chooses the only container, and else names those to choose from", () => {
  const keep = (container: string): void => {
    mkdirSync(join(directory, container));
    writeFileSync(join(directory, container, "0.log"), "");
  };
  const refuses = (asked: string, message: string, reason = "BadRequest"): void =>
    assert.throws(() => keptContainer(directory, "web", asked), { reason, message });
  mkdirSync(join(directory, "empty"));
  refuses("", 'no logs of a deleted pod "web" are kept on this node', "NotFound");
  keep("side");
  assert.equal(keptContainer(directory, "web", ""), "side");
  keep("main");
  refuses("", "a container name must be specified for deleted pod web, choose one of: [main side]");
  refuses("x", "container x is not valid for deleted pod web, choose one of: [main side]");
  assert.equal(keptContainer(directory, "web", "main"), "main");
});
