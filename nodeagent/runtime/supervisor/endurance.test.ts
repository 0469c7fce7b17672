import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { startTestNode, whyNoRuntimeTests } from "../test-node.ts";

const STARTS = 1000;
/** As an agent with many pods would: enough to keep both cores busy. */
const AT_ONCE = 8;
/** V8's heap settles at 60 MB more after 2,000 starts and stays there; a leak of 100 kB a start would be over this. */
const GROWTH_KB_MAX = 80_000;

test("a thousand starts leave no descriptor, process, mount, cgroup or file", {
  skip: whyNoRuntimeTests() ?? false,
  timeout: 120_000,
}, async () => {
  const node = await startTestNode("endurance");
  try {
    const { pid } = await node.client.ready();
    await node.client.createSandbox(node.sandbox("pod"));
    const run = async (id: string): Promise<void> => {
      const config = node.container(id, ["true"]);
      const state = await node.client.startContainer({
        ...config,
        logPath: `${node.logs}/all.log`,
      });
      assert.equal(state.at, "running", JSON.stringify(state));
      await node.client.removeContainer(id);
    };
    const runMany = async (from: number, to: number): Promise<void> => {
      for (let i = from; i < to; i += AT_ONCE) {
        const ids = Array.from({ length: Math.min(AT_ONCE, to - i) }, (_, k) => `c${i + k}`);
        await Promise.all(ids.map(run));
      }
    };
    await runMany(0, 100);
    const before = usageOf(pid);
    await runMany(100, STARTS);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const after = usageOf(pid);
    assert.ok(after.descriptors <= before.descriptors + 2, JSON.stringify({ before, after }));
    assert.deepEqual(after.children, [], "reapers or zombies");
    assert.ok(
      after.residentKb < before.residentKb + GROWTH_KB_MAX,
      JSON.stringify({ before, after }),
    );
    assert.deepEqual(readdirSync(`${node.stateDir}/containers`), []);
    assert.deepEqual(readdirSync(`${node.stateDir}/trash`), []);
    const mounts = readFileSync("/proc/self/mountinfo", "utf8");
    assert.equal(mounts.split(`${node.stateDir}/containers`).length, 1);
  } finally {
    await node.remove();
  }
});

function usageOf(pid: number) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return {
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    children: children === "" ? [] : children.split(" "),
    residentKb: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]),
  };
}
