/** Who may do what, asked of a whole server: bindings end at their namespace, agents see only what their pods need. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "#lib/json";
import { configMaps, deployments, pods, roleBindings, roles, secrets, services } from "#resources";
import { startTestServer } from "../../test/harness/api-server.ts";

const GROUP = "rbac.authorization.k8s.io";
const namespace = "default";

test("a RoleBinding grants within its namespace alone", async () => {
  await using started = await startTestServer();
  const { core } = started.server;
  const admin = core.as({ name: "admin", groups: ["system:masters"] });
  const rules = [{ verbs: ["list"], apiGroups: [""], resources: ["pods"] }];
  await admin.create({ resource: roles, namespace }, { metadata: { name: "reader" }, rules });
  await admin.create(
    { resource: roleBindings, namespace },
    {
      metadata: { name: "reader" },
      roleRef: { apiGroup: GROUP, kind: "Role", name: "reader" },
      subjects: [{ apiGroup: GROUP, kind: "User", name: "eve" }],
    },
  );
  const eve = core.as({ name: "eve", groups: ["system:authenticated"] });
  await eve.list({ resource: pods, namespace });
  await assert.rejects(eve.list({ resource: pods, namespace: "kube-system" }), {
    reason: "Forbidden",
  });
  await assert.rejects(eve.list({ resource: pods }), { reason: "Forbidden" });
});

test("an agent reads what the pods of its node use, and nothing beside it", async () => {
  await using started = await startTestServer();
  const { core } = started.server;
  const admin = core.as({ name: "admin", groups: ["system:masters"] });
  for (const resource of [configMaps, secrets]) {
    for (const name of ["in-map", "in-secret", "unused"])
      await admin.create({ resource, namespace }, { metadata: { name } });
  }
  const secretKeyRef = { name: "in-secret", key: "k" };
  await admin.create(
    { resource: pods, namespace },
    {
      metadata: { name: "p" },
      spec: {
        nodeName: "n1",
        containers: [{ name: "c", image: "i", env: [{ name: "K", valueFrom: { secretKeyRef } }] }],
        volumes: [{ name: "v", configMap: { name: "in-map" } }],
      } as JsonObject,
    },
  );
  const agent = (node: string) =>
    core.as({ name: `system:node:${node}`, groups: ["system:nodes"] });
  const map = (name: string) => ({ resource: configMaps, namespace, name });
  const secret = (name: string) => ({ resource: secrets, namespace, name });
  await agent("n1").get(map("in-map"));
  await agent("n1").get(secret("in-secret"));
  await agent("n1").list({ resource: services });
  const ofNode = (node: string) => ({ fieldSelector: `spec.nodeName=${node}` });
  await agent("n1").list({ resource: pods }, ofNode("n1"));
  await agent("n1").get({ resource: pods, namespace, name: "p" });
  const forbidden: readonly [string, Promise<unknown>][] = [
    ["another map", agent("n1").get(map("unused"))],
    ["a map of a used secret's name", agent("n1").get(map("in-secret"))],
    ["a secret of a used map's name", agent("n1").get(secret("in-map"))],
    ["from another node", agent("n2").get(map("in-map"))],
    ["all maps", agent("n1").list({ resource: configMaps, namespace })],
    ["in another namespace", agent("n1").get({ ...map("in-map"), namespace: "kube-system" })],
    ["to delete it", agent("n1").delete(map("in-map"))],
    ["all pods", agent("n1").list({ resource: pods })],
    ["other pods", agent("n1").list({ resource: pods }, ofNode("n2"))],
    [
      "all but its own",
      agent("n1").list({ resource: pods }, { fieldSelector: "spec.nodeName!=n1" }),
    ],
    ["another node's pod", agent("n2").get({ resource: pods, namespace, name: "p" })],
    ["other kinds", agent("n1").list({ resource: deployments, namespace })],
  ];
  for (const [what, asked] of forbidden) await assert.rejects(asked, { reason: "Forbidden" }, what);
});
