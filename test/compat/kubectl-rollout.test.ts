/** `kubectl rollout` with all its sub-commands, on each kind that has rollouts. */
import assert from "node:assert/strict";
import { type KubectlCase, useBothKubectls } from "../harness/both-kubectls.ts";

const { each } = useBothKubectls();

const IMAGE = "{.spec.template.spec.containers[0].image}";
const RESTARTED = "{.spec.template.metadata.annotations.kubectl\\.kubernetes\\.io/restartedAt}";

each("rollout status waits for a Deployment, and tells when it cannot", async ({ k }) => {
  await k.ok(["create", "deployment", "web", "--image=v1", "--replicas=2"]);
  assert.match(
    await k.ok(["rollout", "status", "deploy/web", "--timeout=30s"]),
    /deployment "web" successfully rolled out\n$/,
  );
  await k.ok(["create", "deployment", "stuck", "--image=bad"]);
  const late = await k.run(["rollout", "status", "deploy/stuck", "--timeout=1s"]);
  assert.equal(late.code, 1);
  assert.match(late.stdout, /0 of 1 updated replicas are available/);
  assert.match(late.stderr, /timed out waiting for the condition/);
  assert.match(await k.ok(["rollout", "status", "deploy/stuck", "--watch=false"]), /^Waiting for/);
});

each("rollout history and undo go back, by one and to a revision", async ({ get, k }) => {
  await k.ok(["annotate", "deploy/web", "kubernetes.io/change-cause=first"]);
  await changeImage(k, "v2");
  await changeImage(k, "v3");
  assert.match(
    await k.ok(["rollout", "history", "deploy/web"]),
    /REVISION\s+CHANGE-CAUSE\n1\s.*\n2\s.*\n3\s.*\n/,
  );
  assert.match(await k.ok(["rollout", "history", "deploy/web", "--revision=2"]), /Image:\s+v2/);
  assert.match(
    await k.ok(["rollout", "undo", "deploy/web", "--dry-run=server"]),
    /rolled back \(server dry run\)/,
  );
  assert.match(await k.ok(["rollout", "undo", "deploy/web"]), /rolled back/);
  assert.equal(await get("deploy web", IMAGE), "v2");
  await k.ok(["rollout", "undo", "deploy/web", "--to-revision=1"]);
  assert.equal(await get("deploy web", IMAGE), "v1");
  await k.ok(["rollout", "status", "deploy/web", "--timeout=30s"]);
  assert.match(await k.ok(["rollout", "history", "deploy/web"]), /\n3\s.*\n4\s.*\n5\s/);
  const missing = await k.run(["rollout", "undo", "deploy/web", "--to-revision=99"]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /unable to find specified revision 99/);
});

each("rollout pause holds changes back, resume lets them go", async ({ get, k }) => {
  const before = await get(
    "deploy web",
    "{.metadata.annotations.deployment\\.kubernetes\\.io/revision}",
  );
  await k.ok(["rollout", "pause", "deploy/web"]);
  await k.ok(["set", "image", "deploy/web", "*=v4"]);
  const again = await k.run(["rollout", "pause", "deploy/web"]);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /already paused/);
  const refused = await k.run(["rollout", "undo", "deploy/web"]);
  assert.match(refused.stderr, /cannot rollback a paused deployment|you cannot rollback a paused/i);
  assert.equal(
    await get(
      "rs -l=app=web",
      `{range .items[?(@.spec.template.spec.containers[0].image=="v4")]}{.metadata.name}{end}`,
    ),
    "",
  );
  await k.ok(["rollout", "resume", "deploy/web"]);
  await k.ok(["rollout", "status", "deploy/web", "--timeout=30s"]);
  const after = await get(
    "deploy web",
    "{.metadata.annotations.deployment\\.kubernetes\\.io/revision}",
  );
  assert.equal(Number(after), Number(before) + 1);
});

each("rollout restart makes new pods of the same template", async ({ get, k }) => {
  const before = await get("pods -l=app=web", "{.items[*].metadata.uid}");
  assert.match(await k.ok(["rollout", "restart", "deploy/web"]), /restarted/);
  await k.ok(["rollout", "status", "deploy/web", "--timeout=30s"]);
  assert.match(await get("deploy web", RESTARTED), /^\d{4}-/);
  assert.notEqual(await get("pods -l=app=web", "{.items[*].metadata.uid}"), before);
});

const OTHERS = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: all}
spec:
  selector: {matchLabels: {app: all}}
  template: {metadata: {labels: {app: all}}, spec: {containers: [{name: c, image: v1}]}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: kept}
spec:
  replicas: 2
  selector: {matchLabels: {app: kept}}
  serviceName: kept
  template: {metadata: {labels: {app: kept}}, spec: {containers: [{name: c, image: v1}]}}
`;

each("rollout of a DaemonSet and a StatefulSet", async ({ get, k }) => {
  await k.ok(["apply", "-f", "-"], { input: OTHERS });
  for (const [what, done] of [
    ["ds/all", /daemon set "all" successfully rolled out/],
    ["sts/kept", /partitioned roll out complete|rolling update complete 2 pods/],
  ] as const) {
    const status = () => k.ok(["rollout", "status", what, "--timeout=40s"]);
    assert.match(await status(), done);
    await k.ok(["set", "image", what, "c=v2"]);
    assert.match(await status(), done);
    assert.match(await k.ok(["rollout", "history", what]), /\n1\s[^\n]*\n2\s/);
    assert.match(await k.ok(["rollout", "history", what, "--revision=1"]), /Image:\s+v1/);
    await k.ok(["rollout", "undo", what]);
    await status();
    assert.equal(await get(what, IMAGE), "v1");
    await k.ok(["rollout", "restart", what]);
    assert.match(await status(), done);
    assert.match(await get(what, RESTARTED), /^\d{4}-/);
  }
});

async function changeImage(k: KubectlCase["k"], image: string): Promise<void> {
  await k.ok(["set", "image", "deploy/web", `*=${image}`]);
  await k.ok(["rollout", "status", "deploy/web", "--timeout=30s"]);
}
