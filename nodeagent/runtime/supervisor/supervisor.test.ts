import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestNode, type TestNode, whyNoRuntimeTests } from "../test-node.ts";

const skip = whyNoRuntimeTests() ?? false;

let node: TestNode;
before(async () => {
  if (skip !== false) return;
  node = await startTestNode("supervisor");
  await node.client.createSandbox(node.sandbox("pod"));
});
after(async () => {
  if (skip === false) await node.remove();
});

/** Runs a shell command to its end. */
async function run(id: string, script: string, more: Parameters<TestNode["container"]>[2] = {}) {
  const started = await node.client.startContainer(node.container(id, ["sh", "-c", script], more));
  if (started.at === "failed") return { state: started, log: "" };
  const state = await node.ended(id);
  return { state, log: node.logOf(id) };
}

test("startContainer() runs a process in a world of its own", { skip }, async () => {
  const { state, log } = await run(
    "world",
    "hostname; echo $$; ls /proc | grep -c '^[0-9]'; exit 7",
  );
  assert.equal(state.at === "exited" && state.exitCode, 7);
  const [hostname, pid, processes] = log.split("\n");
  assert.equal(hostname, "pod");
  assert.equal(pid, "1");
  assert.ok(Number(processes) <= 4, `${processes} processes`);
});
