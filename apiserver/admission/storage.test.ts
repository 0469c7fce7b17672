/** What admission says of claims and volumes. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { JsonObject } from "#lib/json";
import type { PersistentVolumeClaim } from "#proto/core/v1";
import { persistentVolumeClaims, persistentVolumes, storageClasses } from "#resources";
import type { Core } from "../chain/core.ts";
import { TestCores } from "../test-core.ts";

const ADMIN = { name: "admin", groups: ["system:masters"] };
const AGENT = { name: "system:node:n1", groups: ["system:nodes"] };

const cores = new TestCores();
after(() => cores.close());

const STORAGE_CLASS = "storageclass.kubernetes.io/is-default-class";

async function coreWithClasses(): Promise<Core> {
  const core = await cores.openAdmitting(["default"]);
  for (const [name, isDefault, allowVolumeExpansion] of [
    ["plain", "false", true],
    ["usual", "true", false],
  ] as const) {
    const metadata = { name, annotations: { [STORAGE_CLASS]: isDefault } };
    await core
      .as(ADMIN)
      .create(
        { resource: storageClasses },
        { metadata, provisioner: "example.com/a", allowVolumeExpansion },
      );
  }
  return core;
}

function claim(name: string, spec: JsonObject = {}): JsonObject {
  const resources = { requests: { storage: "1Gi" } };
  return { metadata: { name }, spec: { accessModes: ["ReadWriteOnce"], resources, ...spec } };
}

test("a claim without a class gets the default one, and outlives its deletion", async () => {
  const core = await coreWithClasses();
  const target = { resource: persistentVolumeClaims, namespace: "default" };
  const classes: unknown[] = [];
  for (const [name, spec] of [
    ["unset", {}],
    ["empty", { storageClassName: "" }],
    ["named", { storageClassName: "plain" }],
  ] as const) {
    const made = (await core.as(ADMIN).create(target, claim(name, spec))) as PersistentVolumeClaim;
    classes.push(made.spec.storageClassName);
    assert.deepEqual(made.metadata.finalizers, ["kubernetes.io/pvc-protection"]);
  }
  assert.deepEqual(classes, ["usual", "", "plain"]);
});

test("a claim grows only where its class can give more", async () => {
  const core = await coreWithClasses();
  const larger = { requests: { storage: "2Gi" } };
  for (const [name, storageClassName] of [
    ["a", "plain"],
    ["b", "usual"],
  ] as const) {
    const target = { resource: persistentVolumeClaims, namespace: "default" };
    const made = await core.as(ADMIN).create(target, claim(name, { storageClassName }));
    const status = { ...(made as unknown as JsonObject), status: { phase: "Bound" } };
    await core.as(ADMIN).update({ ...target, name, subresource: "status" }, status);
    const growing = core
      .as(ADMIN)
      .patch({ ...target, name }, { type: "merge", body: { spec: { resources: larger } } });
    if (name === "a") await growing;
    else await assert.rejects(growing, /storageclass that provisions the pvc must support resize/);
  }
});

test("an agent releases deleted volumes of its own, and changes nothing else of any", async () => {
  const core = await cores.openAdmitting(["default"]);
  const [admin, agent] = [core.as(ADMIN), core.as(AGENT)];
  const create = (name: string, node: string): Promise<unknown> =>
    admin.create(
      { resource: persistentVolumes },
      {
        metadata: {
          name,
          labels: { "kubernetes.io/hostname": node },
          finalizers: ["naru.dev/local-path", "example.com/other"],
        },
        spec: {
          capacity: { storage: "1Gi" },
          accessModes: ["ReadWriteOnce"],
          csi: { driver: "naru.dev/local-path", volumeHandle: name },
        },
      },
    );
  await create("mine", "n1");
  await create("theirs", "n2");
  const without = (finalizers: readonly string[], more: JsonObject = {}) => ({
    type: "merge" as const,
    body: { metadata: { finalizers }, ...more },
  });
  const rest = ["example.com/other", "kubernetes.io/pv-protection"];
  const release = (name: string, patch = without(rest)): Promise<unknown> =>
    agent.patch({ resource: persistentVolumes, name }, patch);
  const why = /may only release deleted volumes of its own/;
  await assert.rejects(release("mine"), why, "it is not deleted yet");
  for (const name of ["mine", "theirs"]) await admin.delete({ resource: persistentVolumes, name });
  await assert.rejects(release("theirs"), why);
  await assert.rejects(release("mine", without(["kubernetes.io/pv-protection"])), why);
  await assert.rejects(release("mine", without(rest, { spec: { mountOptions: ["x"] } })), why);
  await release("mine");
});
