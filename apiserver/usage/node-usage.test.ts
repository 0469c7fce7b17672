import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { Duplex } from "node:stream";
import { test } from "node:test";
import type { NodeSummary } from "#lib/api/node-summary";
import { silentLogger } from "#lib/logger";
import { VirtualClock } from "#lib/testing/virtual-clock";
import type { SessionFrame } from "#services/tunnel";
import { Tunnel } from "../proxy/tunnel.ts";
import { tunnelUsage } from "./node-usage.ts";

type Frame = NonNullable<SessionFrame["frame"]>;

const SUMMARY: NodeSummary = {
  node: {
    nodeName: "n1",
    cpu: { time: "2026-01-01T00:00:00Z", usageCoreNanoSeconds: 5 },
    memory: { time: "2026-01-01T00:00:00Z", workingSetBytes: 7 },
  },
  pods: [],
};
const TEXT = Buffer.from(JSON.stringify(SUMMARY));

function ended(errorReason = ""): Frame {
  return { $case: "end", value: { exitCode: 0, errorReason, errorMessage: errorReason } };
}

function stdout(value: Buffer): Frame {
  return { $case: "stdout", value };
}

/** A tunnel to a node that answers each question with these frames; without any, not at all. */
function asking(frames: readonly Frame[]) {
  const clock = new VirtualClock();
  let ids = 0;
  const tunnel = new Tunnel({ clock, newId: () => String(ids++) });
  let questions = 0;
  const listener = Object.assign(new EventEmitter(), {
    write({ sessionId }: { readonly sessionId: string }) {
      questions++;
      if (frames.length === 0) return;
      const stream = new Duplex({
        objectMode: true,
        read: () => {},
        write: (_, __, done) => done(),
      });
      for (const frame of [{ $case: "open", value: sessionId } as const, ...frames])
        stream.push({ frame });
      void tunnel.accept("n1", stream as never);
    },
  });
  tunnel.listen("n1", listener as never);
  const usage = tunnelUsage({ tunnel, clock, logger: silentLogger });
  return { clock, usage, questions: () => questions };
}

test("tunnelUsage() asks a node that is connected", async () => {
  const { usage } = asking([stdout(TEXT.subarray(0, 20)), stdout(TEXT.subarray(20)), ended()]);
  assert.deepEqual(await usage("n1"), SUMMARY);
});

test("tunnelUsage() asks once a second, whoever wants to know", async () => {
  const { clock, questions, usage } = asking([stdout(TEXT), ended()]);
  await Promise.all([usage("n1"), usage("n1")]);
  await clock.advance(900);
  await usage("n1");
  assert.equal(questions(), 1);
  await clock.advance(200);
  await usage("n1");
  assert.equal(questions(), 2);
});

test("tunnelUsage() leaves out a node that does not answer in time", async () => {
  const { clock, usage } = asking([]);
  const answer = usage("n1");
  await clock.advance(5_000);
  assert.equal(await answer, undefined);
  assert.equal(clock.timers, 0);
});

test("tunnelUsage() leaves out a node that does not come to an end in time", async () => {
  const { clock, usage } = asking([stdout(TEXT)]);
  const answer = usage("n1");
  await clock.advance(5_000);
  assert.equal(await answer, undefined);
});

for (const [what, frames] of [
  ["fails", [ended("InternalError")]],
  ["answers nonsense", [stdout(Buffer.from("no")), ended()]],
  ["answers without end", Array.from({ length: 5 }, () => stdout(Buffer.alloc(1024 * 1024, 32)))],
] as const) {
  test(`tunnelUsage() leaves out a node that ${what}`, async () => {
    assert.equal(await asking(frames).usage("n1"), undefined);
  });
}

test("tunnelUsage() leaves out a node that is not connected", async () => {
  assert.equal(await asking([]).usage("n2"), undefined);
});
