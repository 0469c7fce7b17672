import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { silentLogger } from "#lib/logger";
import { VirtualClock } from "#lib/testing/virtual-clock";
import { backupName, expiredBackups } from "./backups.ts";
import { LineQueue } from "./line-queue.ts";
import { LogFile, type LogFileOptions } from "./log-file.ts";

let directory: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "naru-audit-"));
});

after(() => rm(directory, { recursive: true, force: true }));

function open(name: string, options: Partial<LogFileOptions> = {}): Promise<LogFile> {
  return LogFile.open({
    path: join(directory, name, "audit.log"),
    maxBytes: 1000,
    maxAgeDays: 0,
    maxBackups: 0,
    clock: new VirtualClock(),
    logger: silentLogger,
    ...options,
  });
}

const content = (name: string, file = "audit.log") => readFile(join(directory, name, file), "utf8");

test("lines stand in the order in which they were taken, and are there when their promise resolves", async () => {
  const file = await open("order", { maxBytes: 100_000 });
  const lines = Array.from({ length: 200 }, (_, index) => `line ${index}`);
  for (const line of lines.slice(0, 100)) void file.take(line);
  await file.take(lines[100] ?? "");
  assert.ok((await content("order")).endsWith("line 100\n"));
  for (const line of lines.slice(101)) void file.take(line);
  // What nobody waits for is not lost either.
  await file.close();
  assert.equal(await content("order"), `${lines.join("\n")}\n`);
  const { mode } = await stat(join(directory, "order", "audit.log"));
  assert.equal(mode & 0o777, 0o600);
});

test("a file is rotated before it would be too long, and an old one goes on", async () => {
  const clock = new VirtualClock(Date.parse("2026-11-24T18:30:00.123Z"));
  const first = await open("rotation", { clock, maxBackups: 2 });
  await first.take("a".repeat(900));
  await first.close();
  const file = await open("rotation", { clock, maxBackups: 2 });
  await file.take("b".repeat(50));
  for (const letter of ["c", "d", "e"]) {
    await clock.advance(1000);
    await file.take(letter.repeat(900));
  }
  await file.close();
  assert.deepEqual((await readdir(join(directory, "rotation"))).toSorted(), [
    "audit-2026-11-24T18-30-02.123.log",
    "audit-2026-11-24T18-30-03.123.log",
    "audit.log",
  ]);
  assert.equal(await content("rotation"), `${"e".repeat(900)}\n`);
  const backup = await content("rotation", "audit-2026-11-24T18-30-02.123.log");
  assert.equal(backup, `${"c".repeat(900)}\n`);
});

test("a line that is longer than a file may be has a file to itself", async () => {
  const file = await open("long", { maxBytes: 10 });
  await file.take("x".repeat(50));
  await file.close();
  assert.equal(await content("long"), `${"x".repeat(50)}\n`);
});

test("a file that somebody moved away does not stop the rotation", async () => {
  const file = await open("moved");
  await file.take("a".repeat(900));
  await rename(join(directory, "moved", "audit.log"), join(directory, "moved", "mine"));
  await file.take("b".repeat(900));
  await file.close();
  assert.equal(await content("moved"), `${"b".repeat(900)}\n`);
});

test("a directory in the file's place is an error at the start", async () => {
  await mkdir(join(directory, "wrong", "audit.log"), { recursive: true });
  await assert.rejects(open("wrong"), { code: "EISDIR" });
});

test("what cannot be written is told once, and counted when it works again", async () => {
  const told: unknown[] = [];
  const tell = (message: string, fields: unknown) => told.push([message, fields]);
  let isBroken = true;
  const written: string[] = [];
  const queue = new LineQueue(
    async (lines) => {
      if (isBroken) throw new Error("disk is full");
      written.push(...lines);
    },
    { ...silentLogger, error: (message) => tell(message, undefined), info: tell },
  );
  await queue.take("1");
  await queue.take("2");
  isBroken = false;
  await queue.take("3");
  await queue.drained();
  assert.deepEqual(written, ["3"]);
  assert.deepEqual(told, [
    ["audit events cannot be written", undefined],
    ["audit events are written again", { lost: 2 }],
  ]);
});

const DAY_MS = 24 * 3600 * 1000;
const NOW_MS = Date.parse("2026-11-24T18:30:00.123Z");
const daysAgo = (days: number) => backupName("audit.log", NOW_MS - days * DAY_MS);

const EXPIRIES: readonly (readonly [string, readonly [number, number], readonly number[]])[] = [
  ["all are kept", [0, 0], []],
  ["too old ones go", [2, 0], [3, 4]],
  ["too many go, the oldest first", [0, 1], [1, 3, 4]],
  ["both count", [3, 3], [4]],
];

for (const [name, [maxAgeDays, maxBackups], gone] of EXPIRIES) {
  test(`expiredBackups: ${name}`, () => {
    const others = ["audit.log", "audit-old.log", "audit-2026-13-45T99-99-99.999.log", "x.log"];
    const names = [...others, ...[4, 1, 0, 3].map(daysAgo)];
    const expired = expiredBackups("audit.log", names, { maxAgeDays, maxBackups }, NOW_MS);
    assert.deepEqual(expired.toSorted(), gone.map(daysAgo).toSorted());
  });
}
