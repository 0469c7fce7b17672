import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from "#resources";
import { startTestServer } from "../../test/harness/api-server.ts";

const GROUP = "rbac.authorization.k8s.io";
const namespace = "default";
const user = { name: "eve", groups: ["system:authenticated"] };
const held = [
  { verbs: ["*"], apiGroups: [GROUP], resources: ["roles", "rolebindings"] },
  { verbs: ["get"], apiGroups: [""], resources: ["pods"] },
];
const refused =
  'user "eve" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n';

/** A server where eve may write roles, bindings, and get pods, but may not `escalate` or `bind`. */
async function withEve() {
  const server = await startTestServer();
  const admin = server.server.core.as({ name: "admin", groups: ["system:masters"] });
  const verbs = ["create", "get", "update", "delete"];
  const [writes, ...rest] = held;
  const rules = [{ ...writes, verbs }, ...rest];
  await admin.create({ resource: roles, namespace }, { metadata: { name: "eve" }, rules });
  await admin.create(
    { resource: roleBindings, namespace },
    {
      metadata: { name: "eve" },
      roleRef: { apiGroup: GROUP, kind: "Role", name: "eve" },
      subjects: [{ apiGroup: GROUP, kind: "User", name: "eve" }],
    },
  );
  return { server, admin, eve: server.server.core.as(user) };
}

test("a user grants what he holds, and nothing else", async () => {
  const { admin, eve, server } = await withEve();
  await using _ = server;
  const role = (name: string, verbs: readonly string[]) =>
    eve.create(
      { resource: roles, namespace },
      { metadata: { name }, rules: [{ verbs, apiGroups: [""], resources: ["pods"] }] },
    );
  const made = await role("own", ["get"]);
  await assert.rejects(role("more", ["get", "list", "watch"]), {
    message: `roles.${GROUP} "more" is forbidden: ${refused}{APIGroups:[""], Resources:["pods"], Verbs:["list" "watch"]}`,
  });
  const target = { resource: roles, namespace, name: "own" };
  const more = [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }];
  await assert.rejects(eve.update(target, { ...JSON.parse(JSON.stringify(made)), rules: more }), {
    message: `roles.${GROUP} "own" is forbidden: ${refused}{APIGroups:["*"], Resources:["*"], Verbs:["*"]}`,
  });
  await admin.delete({ resource: roles, namespace, name: "own" });
});

test("a user binds what he holds, or what he may bind", async () => {
  const { admin, eve, server } = await withEve();
  await using _ = server;
  const bind = (name: string, kind: string) =>
    eve.create(
      { resource: roleBindings, namespace },
      {
        metadata: { name: `${name}-binding` },
        roleRef: { apiGroup: GROUP, kind, name },
        subjects: [{ apiGroup: GROUP, kind: "User", name: "mallory" }],
      },
    );
  await bind("eve", "Role");
  await assert.rejects(bind("cluster-admin", "ClusterRole"), /not currently held/);
  await assert.rejects(bind("absent", "ClusterRole"), {
    message: `clusterroles.${GROUP} "absent" not found`,
  });
  const mayBind = {
    verbs: ["bind"],
    apiGroups: [GROUP],
    resources: ["clusterroles"],
    resourceNames: ["view"],
  };
  await admin.create(
    { resource: clusterRoles },
    { metadata: { name: "binder" }, rules: [mayBind] },
  );
  await admin.create(
    { resource: clusterRoleBindings },
    {
      metadata: { name: "binder" },
      roleRef: { apiGroup: GROUP, kind: "ClusterRole", name: "binder" },
      subjects: [{ apiGroup: GROUP, kind: "User", name: "eve" }],
    },
  );
  await bind("view", "ClusterRole");
});

test("a user who holds less may relabel what grants more, but not make or widen it", async () => {
  const { admin, eve, server } = await withEve();
  await using _ = server;
  const everything = [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }];
  const target = { resource: roles, namespace, name: "strong" };
  await admin.create(
    { resource: roles, namespace },
    { metadata: { name: "strong" }, rules: everything },
  );
  const strong = JSON.parse(JSON.stringify(await admin.get(target)));
  strong.metadata.labels = { team: "a" };
  await eve.update(target, strong);
  const escalates = { verbs: ["escalate"], apiGroups: [GROUP], resources: ["roles"] };
  await admin.create(
    { resource: roles, namespace },
    { metadata: { name: "climber" }, rules: [escalates] },
  );
  await admin.create(
    { resource: roleBindings, namespace },
    {
      metadata: { name: "climber" },
      roleRef: { apiGroup: GROUP, kind: "Role", name: "climber" },
      subjects: [{ apiGroup: GROUP, kind: "User", name: "eve" }],
    },
  );
  await eve.create(
    { resource: roles, namespace },
    { metadata: { name: "stronger" }, rules: everything },
  );
});

test("only who holds everything lets a role collect the rules of others", async () => {
  const { admin, eve, server } = await withEve();
  await using _ = server;
  const writes = { verbs: ["create"], apiGroups: [GROUP], resources: ["clusterroles"] };
  await admin.create({ resource: clusterRoles }, { metadata: { name: "writer" }, rules: [writes] });
  await admin.create(
    { resource: clusterRoleBindings },
    {
      metadata: { name: "writer" },
      roleRef: { apiGroup: GROUP, kind: "ClusterRole", name: "writer" },
      subjects: [{ apiGroup: GROUP, kind: "User", name: "eve" }],
    },
  );
  const clusterRoleSelectors = [{ matchLabels: { collect: "me" } }];
  await assert.rejects(
    eve.create(
      { resource: clusterRoles },
      { metadata: { name: "all" }, aggregationRule: { clusterRoleSelectors } },
    ),
    /must have cluster-admin privileges to use the aggregationRule$/,
  );
});
