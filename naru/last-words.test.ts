import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runProgram } from "../test/harness/run.ts";
import { entryPoint } from "./entry-points.ts";
import { lastWords, lastWordsOf } from "./last-words.ts";

test("lastWordsOf() finds them at the end of a log, on one line", () => {
  const log = `{"level":"info"}\n${lastWords("no room\n  on disk")}\n`;
  assert.equal(lastWordsOf(log), "no room; on disk");
  assert.equal(lastWordsOf(`${log}{"level":"info"}\n`), undefined);
  assert.equal(lastWordsOf(""), undefined);
});

test("the server says in one sentence that its etcd does not answer", async () => {
  const directory = mkdtempSync(join(tmpdir(), "naru-last-words-"));
  try {
    const config = join(directory, "server.json");
    // Nothing listens on the port of tcpmux.
    writeFileSync(config, JSON.stringify({ datastore: "http://127.0.0.1:1", tls: {} }));
    const program = entryPoint("server").pathname;
    const ended = await runProgram([process.execPath, program, "server", "--config", config]);
    assert.notEqual(ended.code, 0);
    assert.equal(ended.stderr, `${lastWords("etcd does not answer at http://127.0.0.1:1")}\n`);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
