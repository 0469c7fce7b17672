import assert from "node:assert/strict";
import { test } from "node:test";
import { findCondition } from "#lib/api/condition";
import type { Container, Node, Pod, ResourceRequirements } from "#proto/core/v1";
import { TestNode } from "../testing/node.ts";
import { container, pod } from "../testing/pods.ts";

const MAIN = "uid-1-main-0";
const apiNode = { metadata: {}, status: { allocatable: { cpu: "4", memory: "8Gi" } } };

const same = (cpu: string, memory: string): ResourceRequirements => ({
  requests: { cpu, memory },
  limits: { cpu, memory },
});
const asks = (cpu: string, memory = "1Gi", more: Partial<Container> = {}) =>
  container("main", { resources: same(cpu, memory), ...more });

function nodeWith(given: Pod, options: ConstructorParameters<typeof TestNode>[1] = {}): TestNode {
  const node = new TestNode(given, options);
  node.node = apiNode as unknown as Node;
  return node;
}

const condition = (node: TestNode, type: string) => findCondition(node.status.conditions, type);
const main = (node: TestNode) => node.status.containerStatuses?.[0];
const quotas = (node: TestNode): readonly (number | undefined)[] =>
  ["uid-1", MAIN].map((id) => node.runtime.limitsOf(id)?.cpuQuotaUs);
const told = (node: TestNode): readonly string[] =>
  node.events
    .map((each) => each.slice(0, each.indexOf(":")))
    .filter((each) => each.startsWith("Resize"));

test("what fits is given at once, without a restart", async () => {
  using node = nodeWith(pod({ containers: [asks("1")] }, { generation: 1 }));
  await node.start();
  await node.update({ containers: [asks("2")] });
  assert.deepEqual(quotas(node), [200_000, 200_000]);
  assert.deepEqual(main(node)?.allocatedResources, { cpu: "2", memory: "1Gi" });
  assert.deepEqual(main(node)?.resources, same("2", "1Gi"));
  assert.equal(main(node)?.restartCount, 0);
  assert.deepEqual(node.starts, [MAIN]);
  assert.equal(condition(node, "PodResizeInProgress"), undefined);
  assert.equal(node.status.observedGeneration, 2);
  const summary =
    '{"containers":[{"name":"main","resources":{"limits":{"cpu":"2","memory":"1Gi"},"requests":{"cpu":"2","memory":"1Gi"}}}],"generation":2}';
  assert.ok(node.events.includes(`ResizeStarted: Pod resize started: ${summary}`));
  assert.ok(node.events.includes(`ResizeCompleted: Pod resize completed: ${summary}`));
});

test("what does not fit now is deferred until others have gone", async () => {
  using node = nodeWith(pod({ containers: [asks("1")] }, { generation: 1 }));
  node.others = [pod({ containers: [asks("3")] })];
  await node.start();
  await node.update({ containers: [asks("2")] });
  const pending = condition(node, "PodResizePending");
  assert.equal(pending?.reason, "Deferred");
  assert.equal(
    pending?.message,
    "Node didn't have enough resource: cpu, requested: 2000, used: 3000, capacity: 4000",
  );
  assert.equal(pending?.observedGeneration, 2);
  assert.deepEqual(quotas(node), [100_000, 100_000]);
  assert.deepEqual(main(node)?.allocatedResources, { cpu: "1", memory: "1Gi" });
  node.others = [];
  await node.retryResizes();
  assert.equal(condition(node, "PodResizePending"), undefined);
  assert.deepEqual(quotas(node), [200_000, 200_000]);
  assert.deepEqual(told(node), ["ResizeDeferred", "ResizeStarted", "ResizeCompleted"]);
});

test("a container that starts while its pod waits has what the pod was given", async () => {
  using node = nodeWith(pod({ containers: [asks("1")] }), {
    onStart: ({ attempt }) => (attempt === 0 ? { exitsAfterMs: 5000, exitCode: 1 } : undefined),
  });
  node.others = [pod({ containers: [asks("3")] })];
  await node.start();
  await node.update({ containers: [asks("2")] });
  await node.clock.advance(6000);
  assert.deepEqual(node.starts, [MAIN, "uid-1-main-1"]);
  assert.equal(node.runtime.limitsOf("uid-1-main-1")?.cpuQuotaUs, 100_000);
});

test("what never fits is infeasible, until it is taken back", async () => {
  using node = nodeWith(pod({ containers: [asks("1")] }, { generation: 1 }));
  await node.start();
  await node.update({ containers: [asks("9")] });
  assert.equal(condition(node, "PodResizePending")?.reason, "Infeasible");
  await node.update({ containers: [asks("1")] });
  assert.equal(condition(node, "PodResizePending"), undefined);
  assert.deepEqual(told(node), ["ResizeInfeasible"]);
});

test("a container whose policy says so is started anew, and only once it has ended its pod shrinks", async () => {
  const resizePolicy = [{ resourceName: "cpu", restartPolicy: "RestartContainer" }];
  const policy = { resizePolicy } as Partial<Container>;
  using node = nodeWith(
    pod({ containers: [asks("2", "1Gi", policy)], restartPolicy: "OnFailure" }, { generation: 1 }),
    { onTerm: () => 3000 },
  );
  await node.start();
  await node.update({ containers: [asks("1", "1Gi", policy)] });
  assert.ok(node.events.includes("Killing: Container main resize requires restart"));
  assert.deepEqual(quotas(node), [200_000, 200_000], "it still runs");
  assert.ok(condition(node, "PodResizeInProgress"));
  await node.clock.advance(4000);
  assert.deepEqual(node.starts, [MAIN, "uid-1-main-1"]);
  assert.equal(node.runtime.limitsOf("uid-1")?.cpuQuotaUs, 100_000);
  assert.equal(node.runtime.limitsOf("uid-1-main-1")?.cpuQuotaUs, 100_000);
  assert.equal(main(node)?.restartCount, 1);
  assert.equal(condition(node, "PodResizeInProgress"), undefined);
  assert.deepEqual(told(node), ["ResizeStarted", "ResizeCompleted"]);
});

test("memory is changed in place by a container whose policy is about CPU", async () => {
  const policy = [{ resourceName: "cpu", restartPolicy: "RestartContainer" }];
  const more = { resizePolicy: policy } as Partial<Container>;
  using node = nodeWith(pod({ containers: [asks("1", "1Gi", more)] }));
  await node.start();
  await node.update({ containers: [asks("1", "2Gi", more)] });
  assert.equal(node.runtime.limitsOf(MAIN)?.memoryBytesMax, 2 * 1024 ** 3);
  assert.deepEqual(node.starts, [MAIN]);
});

test("memory that is in use is not taken away; it is tried again until it is free", async () => {
  let usedBytes = 900 * 1024 ** 2;
  using node = nodeWith(pod({ containers: [asks("1", "1Gi")] }), {
    usedBytes: (id) => (id === MAIN ? usedBytes : 0),
  });
  await node.start();
  await node.update({ containers: [asks("1", "512Mi")] });
  const { message, reason } = condition(node, "PodResizeInProgress") ?? {};
  assert.equal(reason, "Error");
  assert.match(message ?? "", /below current usage/);
  assert.equal(node.runtime.limitsOf("uid-1")?.memoryBytesMax, 1024 ** 3, "the pod keeps its own");
  assert.deepEqual(main(node)?.resources?.limits, { cpu: "1", memory: "1Gi" });
  assert.deepEqual(main(node)?.allocatedResources, { cpu: "1", memory: "512Mi" });
  await node.clock.advance(30_000);
  assert.deepEqual(told(node), ["ResizeStarted", "ResizeError"], "one event, however often");
  assert.ok(!node.events.some((each) => each.startsWith("again")));
  usedBytes = 0;
  await node.clock.advance(11_000);
  assert.equal(node.runtime.limitsOf("uid-1")?.memoryBytesMax, 512 * 1024 ** 2);
  assert.equal(condition(node, "PodResizeInProgress"), undefined);
});

test("an agent that comes after a kill goes on with what was allocated, not with what is wanted", async () => {
  let usedBytes = 900 * 1024 ** 2;
  using node = nodeWith(pod({ containers: [asks("1", "1Gi")] }, { generation: 1 }), {
    usedBytes: () => usedBytes,
  });
  await node.start();
  await node.update({ containers: [asks("1", "512Mi")] });
  node.kill();
  node.change({ containers: [asks("3", "512Mi")] });
  node.others = [pod({ containers: [asks("2")] })];
  usedBytes = 0;
  await node.start();
  assert.equal(node.runtime.limitsOf(MAIN)?.memoryBytesMax, 512 * 1024 ** 2);
  assert.deepEqual(main(node)?.allocatedResources, { cpu: "1", memory: "512Mi" });
  assert.equal(condition(node, "PodResizePending")?.reason, "Deferred");
  assert.deepEqual(quotas(node), [100_000, 100_000]);
});

test("a restart for a resize outlives the agent, though the pod never restarts otherwise", async () => {
  const resizePolicy = [{ resourceName: "memory", restartPolicy: "RestartContainer" }];
  const policy = { resizePolicy } as Partial<Container>;
  using node = nodeWith(
    pod({ containers: [asks("1", "1Gi", policy)], restartPolicy: "OnFailure" }, { generation: 1 }),
    { onTerm: () => 3000 },
  );
  await node.start();
  await node.update({ containers: [asks("1", "2Gi", policy)] });
  node.kill();
  await node.clock.advance(10_000);
  await node.start();
  assert.deepEqual(node.starts, [MAIN, "uid-1-main-1"]);
  assert.equal(node.runtime.limitsOf("uid-1-main-1")?.memoryBytesMax, 2 * 1024 ** 3);
  assert.equal(node.runtime.limitsOf("uid-1")?.memoryBytesMax, 2 * 1024 ** 3);
  assert.deepEqual(told(node), ["ResizeStarted", "ResizeCompleted"]);
});

test("a container that does not run takes what was allocated when it starts", async () => {
  using node = nodeWith(pod({ containers: [asks("1")] }), {
    onStart: ({ attempt }) => (attempt < 2 ? { exitsAfterMs: 100, exitCode: 1 } : undefined),
  });
  await node.start();
  await node.clock.advance(2000);
  await node.update({ containers: [asks("2")] });
  assert.deepEqual(main(node)?.resources, same("2", "1Gi"));
  assert.equal(condition(node, "PodResizeInProgress"), undefined);
  await node.clock.advance(20_000);
  assert.equal(node.runtime.limitsOf("uid-1-main-2")?.cpuQuotaUs, 200_000);
});

test("a pod as a whole is resized, and its containers that have no limit with it", async () => {
  const whole = (cpu: string): Partial<Pod["spec"]> => ({
    containers: [container("main")],
    resources: same(cpu, "1Gi"),
  });
  using node = nodeWith(pod(whole("1")));
  await node.start();
  assert.deepEqual(quotas(node), [100_000, 100_000]);
  assert.deepEqual(node.status.resources, same("1", "1Gi"));
  await node.update(whole("2"));
  assert.deepEqual(quotas(node), [200_000, 200_000]);
  assert.deepEqual(node.status.allocatedResources, { cpu: "2", memory: "1Gi" });
  assert.deepEqual(node.status.resources, same("2", "1Gi"));
});
