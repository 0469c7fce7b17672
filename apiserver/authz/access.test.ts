/** Who may do what, asked of a whole server: bindings end at their namespace, agents see only what their pods need. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, JsonValue } from "#lib/json";
import type { Pod } from "#proto/core/v1";
import {
  configMaps,
  deployments,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  roleBindings,
  roles,
  secrets,
  serviceAccounts,
  services,
} from "#resources";
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
        volumes: [
          { name: "v", configMap: { name: "in-map" } },
          { name: "w", persistentVolumeClaim: { claimName: "data" } },
        ],
      } as JsonObject,
    },
  );
  const accessModes = ["ReadWriteOnce"];
  const resources = { requests: { storage: "1Gi" } };
  for (const name of ["data", "unused"])
    await admin.create(
      { resource: persistentVolumeClaims, namespace },
      { metadata: { name }, spec: { accessModes, resources } },
    );
  const agent = (node: string) =>
    core.as({ name: `system:node:${node}`, groups: ["system:nodes"] });
  const map = (name: string) => ({ resource: configMaps, namespace, name });
  const secret = (name: string) => ({ resource: secrets, namespace, name });
  await agent("n1").get(map("in-map"));
  await agent("n1").get(secret("in-secret"));
  const claim = (name: string) => ({ resource: persistentVolumeClaims, namespace, name });
  await agent("n1").get(claim("data"));
  await agent("n1").list({ resource: persistentVolumes });
  await agent("n1").list({ resource: services });
  const ofNode = (node: string) => ({ fieldSelector: `spec.nodeName=${node}` });
  await agent("n1").list({ resource: pods }, ofNode("n1"));
  await agent("n1").get({ resource: pods, namespace, name: "p" });
  const forbidden: readonly [string, Promise<unknown>][] = [
    ["another map", agent("n1").get(map("unused"))],
    ["another claim", agent("n1").get(claim("unused"))],
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

test("an agent gets tokens for its own pods alone, each bound to its pod", async () => {
  await using started = await startTestServer();
  const { core } = started.server;
  const admin = core.as({ name: "admin", groups: ["system:masters"] });
  for (const name of ["own", "other"])
    await admin.create({ resource: serviceAccounts, namespace }, { metadata: { name } });
  const projected = { sources: [{ serviceAccountToken: { path: "token" } }] };
  const vault = { sources: [{ serviceAccountToken: { path: "vault", audience: "vault" } }] };
  const pod = (name: string, nodeName: string) => ({
    metadata: { name },
    spec: {
      serviceAccountName: "own",
      nodeName,
      containers: [{ name: "c", image: "i" }],
      volumes: [
        { name: "t", projected },
        { name: "v", projected: vault },
      ],
    } as JsonObject,
  });
  const [here, there] = (await Promise.all(
    ["n1", "n2"].map((node) => admin.create({ resource: pods, namespace }, pod(node, node))),
  )) as unknown as readonly [Pod, Pod];
  const agent = core.as({ name: "system:node:n1", groups: ["system:nodes"] });
  const ask = (account: string, spec: JsonObject) =>
    agent.create(
      { resource: serviceAccounts, namespace, name: account, subresource: "token" },
      { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec },
    );
  const bound = ({ metadata: { name, uid } }: Pod): JsonValue => ({
    ...{ apiVersion: "v1", kind: "Pod", name },
    uid,
  });
  for (const audiences of [[], ["vault"]])
    await ask("own", { audiences, boundObjectRef: bound(here) });
  const refusals: readonly (readonly [RegExp, Promise<unknown>])[] = [
    [/different node/, ask("own", { boundObjectRef: bound(there) })],
    [/not bound to a pod/, ask("own", {})],
    [/audience "bank" not found/, ask("own", { audiences: ["bank"], boundObjectRef: bound(here) })],
    [/cannot create resource/, ask("other", { boundObjectRef: bound(here) })],
    [
      /without a uid/,
      ask("own", { boundObjectRef: { apiVersion: "v1", kind: "Pod", name: "n1" } }),
    ],
  ];
  for (const [message, asked] of refusals)
    await assert.rejects(asked, { reason: "Forbidden", message });
});
