import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { silentLogger } from "#lib/logger";
import { eventually, follow, text } from "../contract-steps.ts";
import { TestClock } from "../test-clock.ts";
import { EmbeddedStore } from "./embedded-store.ts";

const KILLS = Number(process.env["NARU_TEST_KILLS"] ?? 6);
const WRITER = join(import.meta.dirname, "test-crash-writer.ts");

it("a writer killed at any instant leaves every acknowledged write", {
  timeout: 120_000,
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), "naru-crash-"));
  try {
    for (let round = 0; round < KILLS; round++) {
      const acknowledged = await writeUntilKilled(directory, round);
      assert.ok(acknowledged.length > 0, "it wrote");
      await check(directory, acknowledged);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

interface Acknowledged {
  readonly revision: number;
  readonly key: string;
  readonly value: string;
}

async function writeUntilKilled(directory: string, round: number): Promise<Acknowledged[]> {
  const child = spawn(process.execPath, [WRITER, directory, String(round)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    output += chunk;
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  await eventually(() => output.length > 0 || child.exitCode !== null);
  await delay(Math.random() * 400);
  child.kill("SIGKILL");
  await ended;
  // The last line may be cut: its write was acknowledged all the same, but to nobody who can tell.
  const lines = output.slice(0, output.lastIndexOf("\n")).split("\n");
  return lines.map((line) => {
    const [revision = "", key = "", value = ""] = line.split(" ");
    return { revision: Number(revision), key, value };
  });
}

async function check(directory: string, acknowledged: readonly Acknowledged[]): Promise<void> {
  const store = new EmbeddedStore({ directory, clock: new TestClock(), logger: silentLogger });
  try {
    const newest = await store.revision();
    const { entries } = await store.range("/");
    const byKey = new Map(entries.map((entry) => [entry.key, entry]));
    for (const { key, revision, value } of acknowledged) {
      const entry = byKey.get(key);
      assert.ok(entry !== undefined && entry.modRevision >= revision, `${key} at ${revision}`);
      if (entry.modRevision === revision) assert.ok(text(entry).startsWith(value));
    }
    await checkLog(store, newest);
  } finally {
    await store.close();
  }
}

/** The state of the oldest revision, and every change since, make the state of now. */
async function checkLog(store: EmbeddedStore, newest: number): Promise<void> {
  const oldest = Math.max(1, newest - 100);
  const past = await store.range("/", { revision: oldest });
  const state = new Map(past.entries.map((entry) => [entry.key, entry]));
  const watch = follow(store, "/", oldest);
  await eventually(() => watch.batches.at(-1)?.revision === newest);
  await watch.stop();
  assert.deepEqual(
    watch.batches.map((batch) => batch.revision),
    Array.from({ length: newest - oldest }, (_, i) => oldest + 1 + i),
  );
  for (const { changes } of watch.batches)
    for (const change of changes) {
      const key = change.kind === "put" ? change.entry.key : change.key;
      assert.equal(change.previous?.modRevision, state.get(key)?.modRevision);
      if (change.kind === "put") state.set(key, change.entry);
      else state.delete(key);
    }
  const now = await store.range("/");
  assert.deepEqual(
    now.entries,
    [...state.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1)),
  );
}
