import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "#lib/logger";
import { VirtualClock } from "#lib/testing/virtual-clock";
import type { Pod } from "#proto/core/v1";
import { type CounterDeps, readCounters } from "./counters.ts";
import { busyNs, workingSetBytes } from "./machine-usage.ts";
import { summaryOf } from "./summary.ts";
import { UsageMeter } from "./usage-meter.ts";

const POD = {
  metadata: { name: "web", namespace: "default", uid: "u" },
  spec: { containers: [{ name: "main" }, { name: "waits" }] },
} as unknown as Pod;

/** A node whose one container uses half a core from its start on, and whose machine uses two. */
function node(startsAfterMs = 0) {
  const clock = new VirtualClock();
  const bootMs = clock.nowMs();
  const running = { id: "c", startedAtMs: bootMs + startsAfterMs };
  let isReadable = true;
  const deps: CounterDeps = {
    clock,
    logger: silentLogger,
    pods: () => [
      {
        pod: POD,
        running: (name) =>
          name === "main" && clock.nowMs() >= running.startedAtMs ? running : undefined,
      },
    ],
    runtime: {
      stats: async () => {
        if (!isReadable) throw new Error("container c does not exist");
        const cpuUsageNs = BigInt(clock.nowMs() - running.startedAtMs) * 500_000n;
        return { cpuUsageNs, memoryWorkingSetBytes: 4096, memoryPeakBytes: 0, pids: 1 };
      },
    },
    files: {
      readText: (path) =>
        path === "/proc/stat"
          ? `cpu  ${(clock.nowMs() - bootMs) / 5} 0 0 99 5 0 0 0 0 0\ncpu0 1 0 0 1 0 0 0 0 0 0\n`
          : "MemTotal: 100 kB\nMemFree: 20 kB\nInactive(file): 30 kB\n",
    },
  };
  const meter = new UsageMeter(clock, () => readCounters(deps));
  const ask = async () => {
    const asked = meter.measure();
    await clock.settle();
    // Only a question after a silence waits.
    const waits = clock.timers > 0;
    if (waits) await clock.advance(1000);
    const summary = summaryOf("node-1", await asked);
    const container = summary.pods[0]?.containers[0];
    return { waits, summary, container, seconds: summary.node.cpu.windowSeconds };
  };
  return { ask, clock, setReadable: (value: boolean) => (isReadable = value) };
}

test("measure() gives the rate of a container and of the machine", async () => {
  const { ask, clock } = node();
  await clock.advance(60_000);
  const { container, summary } = await ask();
  assert.equal(container?.cpu.usageNanoCores, 500_000_000);
  assert.equal(container?.cpu.usageCoreNanoSeconds, 30_500_000_000);
  assert.equal(container?.memory.workingSetBytes, 4096);
  assert.equal(summary.node.cpu.usageNanoCores, 2_000_000_000);
  assert.equal(summary.node.memory.workingSetBytes, 50 * 1024);
  assert.deepEqual(
    summary.pods.map(({ containers, podRef }) => [podRef.name, containers.map((c) => c.name)]),
    [["web", ["main"]]],
  );
});

test("measure() waits a second after a silence, and then reaches back to an earlier question", async () => {
  const { ask, clock } = node();
  const asked: [waits: boolean, seconds: number | undefined][] = [];
  // Two at once, later ones of a person, an autoscaler's, and one after an hour.
  for (const silenceMs of [0, 0, 2000, 5000, 15_000, 15_000, 3_600_000, 15_000]) {
    await clock.advance(silenceMs);
    const { seconds, waits } = await ask();
    asked.push([waits, seconds]);
  }
  assert.deepEqual(asked, [
    [true, 1],
    [false, 1],
    [false, 3],
    [false, 8],
    [false, 23],
    [false, 15],
    [true, 1],
    [false, 16],
  ]);
  assert.equal(clock.timers, 0, "nothing runs while nobody asks");
});

test("a container that is new since the last question is measured from its start", async () => {
  const { ask, clock } = node(20_000);
  await ask();
  await clock.advance(22_000);
  const { container } = await ask();
  assert.deepEqual([container?.cpu.windowSeconds, container?.cpu.usageNanoCores], [3, 500_000_000]);
});

test("a container that could not be read is left out, and has no rate until it was read twice", async () => {
  const { ask, clock, setReadable } = node();
  setReadable(false);
  await clock.advance(5000);
  assert.equal((await ask()).container, undefined);
  setReadable(true);
  await clock.advance(12_000);
  const { container } = await ask();
  assert.deepEqual(
    [container?.memory.workingSetBytes, container?.cpu.usageNanoCores],
    [4096, undefined],
  );
  await clock.advance(12_000);
  assert.equal((await ask()).container?.cpu.usageNanoCores, 500_000_000);
});

test("busyNs() leaves out idling and waiting, and counts guests once", () => {
  assert.equal(busyNs("cpu  10 2 3 1000 500 1 1 4 9 9\n"), 210_000_000n);
});

test("workingSetBytes() leaves out the file cache that is not in use", () => {
  const meminfo = "MemTotal:       2000 kB\nMemFree:         500 kB\nInactive(file):  300 kB\n";
  assert.equal(workingSetBytes(meminfo), 1200 * 1024);
});
