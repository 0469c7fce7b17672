/** What kubectl does to nodes: cordon, uncordon, drain, taint. */
import assert from "node:assert/strict";
import { type KubectlCase, useBothKubectls } from "../harness/both-kubectls.ts";

const { each, newer } = useBothKubectls(["n1", "n2"]);

async function podsOn({ k }: KubectlCase, node: string): Promise<string> {
  return await k.ok(["get", "pods", `--field-selector=spec.nodeName=${node}`, "-o=name"]);
}

each("cordon closes a node, uncordon opens it, and both say when it is so", async ({ get, k }) => {
  assert.equal(await k.ok(["cordon", "n1"]), "node/n1 cordoned\n");
  assert.equal(await k.ok(["cordon", "n1"]), "node/n1 already cordoned\n");
  assert.match(await k.ok(["get", "node", "n1"]), /Ready,SchedulingDisabled/);
  assert.match(await get("node n1", "{.spec.taints}"), /node.kubernetes.io\/unschedulable/);
  assert.equal(await k.ok(["uncordon", "n1"]), "node/n1 uncordoned\n");
  assert.equal(await k.ok(["uncordon", "n1"]), "node/n1 already uncordoned\n");
  assert.equal(await get("node n1", "{.spec.unschedulable}"), "");
});

each("taint adds, overwrites, refuses and removes", async ({ get, k }) => {
  const taints = () => get("node n2", "{.spec.taints[*].value}:{.spec.taints[*].effect}");
  assert.match(
    await k.ok(["taint", "node", "n2", "use=db:NoSchedule", "old:PreferNoSchedule"]),
    /node\/n2 tainted/,
  );
  assert.equal(await taints(), "db:NoSchedule PreferNoSchedule");
  const refused = await k.run(["taint", "node", "n2", "use=web:NoSchedule"]);
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /already has use taint\(s\) with same effect\(s\) and --overwrite is false/,
  );
  assert.match(
    await k.ok(["taint", "node", "n2", "use=web:NoSchedule", "--overwrite"]),
    /modified/,
  );
  assert.match(await taints(), /web:/);
  assert.match(await k.ok(["taint", "node", "n2", "use:NoSchedule-", "old-"]), /untainted/);
  assert.equal(await taints(), ":");
  const wrong = await k.run(["taint", "node", "n2", "use=db:Never"]);
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /invalid taint effect: Never/);
});

each("drain moves what can move, and says what it will not touch", async (c) => {
  const { k } = c;
  await k.ok(["create", "deployment", "web", "--image=x", "--replicas=4"]);
  await k.ok(["rollout", "status", "deploy/web", "--timeout=30s"]);
  assert.notEqual(await podsOn(c, "n1"), "");
  await k.ok(["run", "alone", "--image=x", '--overrides={"spec":{"nodeName":"n1"}}']);
  const kept = await k.run(["drain", "n1", "--timeout=20s"]);
  assert.equal(kept.code, 1);
  assert.match(kept.stderr, /(declare no controller|not managed by).*alone/s);
  assert.match(
    await k.ok(["drain", "n1", "--timeout=20s", "--pod-selector=app=web"]),
    /node\/n1 (drained|evicted)/,
  );
  assert.equal(await podsOn(c, "n1"), "pod/alone\n");
  assert.match(await k.ok(["drain", "n1", "--force", "--timeout=20s"]), /pod\/alone evicted/);
  assert.equal(await podsOn(c, "n1"), "");
  await k.ok(["rollout", "status", "deploy/web", "--timeout=30s"]);
  await k.ok(["uncordon", "n1"]);
  await k.ok(["delete", "deploy", "web"]);
});

// 1.20 makes budgets, and evicts, in a version that is no more.
newer("drain waits for a disruption budget, and tells it", async ({ k, namespace }) => {
  await k.ok(["create", "deployment", "held", "--image=x"]);
  await k.ok(["rollout", "status", "deploy/held", "--timeout=30s"]);
  await k.ok(["create", "pdb", "held", "--selector=app=held", "--min-available=1"]);
  await k.ok(["wait", "pdb/held", "--for=jsonpath={.status.expectedPods}=1", "--timeout=20s"]);
  const node = await k.ok(["get", "pods", "-l=app=held", "-o=jsonpath={.items[0].spec.nodeName}"]);
  const refused = await k.run(["drain", node, "--timeout=1s"]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /Cannot evict pod as it would violate the pod's disruption budget/);
  await k.ok(["uncordon", node]);
  await k.ok(["scale", "deploy/held", "--replicas=2"]);
  await k.ok([
    "wait",
    "pdb/held",
    "--for=jsonpath={.status.disruptionsAllowed}=1",
    "--timeout=20s",
  ]);
  assert.match(
    await k.ok(["drain", node, "--timeout=20s"]),
    new RegExp(`evicting pod ${namespace}/held`),
  );
  await k.ok(["uncordon", node]);
});
