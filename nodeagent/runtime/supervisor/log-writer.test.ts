import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Clock } from "#lib/clock";
import { LogWriter, rotatedLogs } from "./log-writer.ts";

/** Each reading is a millisecond later, so that no two rotated files have one name. */
function tickingClock(): Clock {
  let nowMs = Date.UTC(2026, 0, 2, 3, 4, 5);
  return { nowMs: () => nowMs++, monotonicMs: () => nowMs, after: () => () => {} };
}

function inDirectory(use: (directory: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), "naru-log-"));
  try {
    use(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test("LogWriter writes CRI lines, and parts at once", () => {
  inDirectory((directory) => {
    const path = `${directory}/pod/0.log`;
    const log = new LogWriter(path, tickingClock(), { bytesMax: 1e6, filesMax: 3 });
    log.write("stdout", Buffer.from("one\ntwo\n\npart"));
    log.write("stderr", Buffer.from("ial\n"));
    log.close();
    assert.equal(
      readFileSync(path, "utf8"),
      [
        "2026-01-02T03:04:05.000000000Z stdout F one",
        "2026-01-02T03:04:05.000000000Z stdout F two",
        "2026-01-02T03:04:05.000000000Z stdout F ",
        "2026-01-02T03:04:05.000000000Z stdout P part",
        "2026-01-02T03:04:05.001000000Z stderr F ial",
        "",
      ].join("\n"),
    );
  });
});

test("LogWriter rotates by size and keeps so many files, also across supervisors", () => {
  inDirectory((directory) => {
    const path = `${directory}/0.log`;
    const clock = tickingClock();
    const limits = { bytesMax: 200, filesMax: 3 };
    const write = (from: number, to: number): void => {
      const log = new LogWriter(path, clock, limits);
      for (let i = from; i < to; i++) log.write("stdout", Buffer.from(`line ${i}\n`));
      log.close();
    };
    write(0, 3);
    write(3, 17);
    const old = rotatedLogs(path);
    assert.equal(old.length, 2);
    assert.match(old[0] ?? "", /0\.log\.20260102-030405\.\d{3}$/);
    const text = [...old, path].map((file) => readFileSync(file, "utf8")).join("");
    const numbers = [...text.matchAll(/line (\d+)/g)].map(([, number]) => Number(number));
    assert.equal(numbers.at(-1), 16);
    const first = numbers[0] ?? 0;
    assert.deepEqual(
      numbers,
      Array.from({ length: 17 - first }, (_, i) => first + i),
      "no line is missing in what is kept",
    );
  });
});
