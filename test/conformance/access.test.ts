/** Who may do what, asked through the real kubectl. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { type Kubectl, kubectl } from "../harness/kubectl.ts";

const TIMEOUT = { timeout: 60_000 };

let server: TestServer;
let k: Kubectl;

before(async () => {
  server = await startTestServer();
  k = await kubectl(server.kubeconfig, server.directory);
  await k.ok(["create", "rolebinding", "readers", "--clusterrole=view", "--user=ann"]);
}, TIMEOUT);

after(() => server[Symbol.asyncDispose](), TIMEOUT);

async function mayI(...args: string[]): Promise<string> {
  return (await k.run(["auth", "can-i", ...args])).stdout.trim();
}

test("auth can-i answers yes or no", TIMEOUT, async () => {
  const table: readonly (readonly [string, readonly string[]])[] = [
    ["yes", ["*", "*"]],
    ["yes", ["get", "/metrics"]],
    ["yes", ["list", "pods", "--as=ann"]],
    ["yes", ["get", "pods/log", "--as=ann"]],
    ["no", ["get", "secrets", "--as=ann"]],
    ["no", ["list", "pods", "--as=ann", "--all-namespaces"]],
    ["no", ["list", "pods", "--as=ann", "-n", "kube-system"]],
    ["no", ["get", "/metrics", "--as=ann"]],
    ["yes", ["get", "/healthz", "--as=ann"]],
    ["yes", ["create", "selfsubjectaccessreviews.authorization.k8s.io", "--as=ann"]],
  ];
  const answers = await Promise.all(table.map(([, args]) => mayI(...args)));
  assert.deepEqual(
    answers.map((answer, index) => [answer, table[index]?.[1]]),
    table,
  );
});

test("auth can-i --list shows the rules", TIMEOUT, async () => {
  const listing = await k.ok(["auth", "can-i", "--list", "--as=ann"]);
  assert.match(listing, /^pods\s+\[\]\s+\[\]\s+\[get list watch\]$/m);
  assert.match(listing, /^\s+\[\/healthz\]\s+\[\]\s+\[get\]$/m);
  assert.doesNotMatch(listing, /secrets/);
  const node = await k.run([
    ...["auth", "can-i", "--list", "--as=system:node:a", "--as-group=system:nodes"],
  ]);
  assert.match(node.stderr, /the list may be incomplete: node authorizer does not support/);
});

test("auth whoami shows the user, as impersonation has it", TIMEOUT, async () => {
  const own = JSON.parse(await k.ok(["auth", "whoami", "-o", "json"])) as Review;
  assert.deepEqual(own.status.userInfo, {
    username: "admin",
    groups: ["system:masters", "system:authenticated"],
  });
  const other = ["--as=bob", "--as-group=devs", "--as-group=a, b", "--as-uid=7"];
  const extra = ["--as-user-extra=reason=a", "--as-user-extra=reason=b"];
  const text = await k.ok(["auth", "whoami", "-o", "json", ...other, ...extra]);
  assert.deepEqual((JSON.parse(text) as Review).status.userInfo, {
    username: "bob",
    uid: "7",
    groups: ["devs", "a, b", "system:authenticated"],
    extra: { reason: ["a", "b"] },
  });
});

interface Review {
  readonly status: { readonly userInfo: unknown };
}

test("access reviews say why, and refuse half a question", TIMEOUT, async () => {
  const review = (spec: object, kind = "SubjectAccessReview", namespace?: string) =>
    k.run(
      [
        "create",
        "--validate=false",
        "-o",
        "json",
        "-f",
        "-",
        ...(namespace ? ["-n", namespace] : []),
      ],
      {
        input: JSON.stringify({ apiVersion: "authorization.k8s.io/v1", kind, spec }),
      },
    );
  const pods = { namespace: "default", verb: "list", resource: "pods" };
  const yes = await review({ user: "ann", resourceAttributes: pods });
  assert.equal(yes.stderr, "");
  assert.deepEqual(JSON.parse(yes.stdout).status, {
    allowed: true,
    reason: 'RBAC: allowed by RoleBinding "readers/default" of ClusterRole "view" to User "ann"',
  });
  const local = await review(
    { user: "ann", resourceAttributes: pods },
    "LocalSubjectAccessReview",
    "kube-system",
  );
  assert.match(local.stderr, /spec.resourceAttributes.namespace: .*must match metadata.namespace/);
  const both = { resourceAttributes: pods, nonResourceAttributes: { path: "/", verb: "get" } };
  const refusals = [
    [{ user: "ann" }, /exactly one of nonResourceAttributes or resourceAttributes/],
    [{ user: "ann", ...both }, /exactly one of nonResourceAttributes or resourceAttributes/],
    [{ resourceAttributes: pods }, /at least one of user or group must be specified/],
    [
      { user: "ann", resourceAttributes: { ...pods, fieldSelector: {} } },
      /requirements or rawSelector is required/,
    ],
  ] as const;
  for (const [spec, text] of refusals) assert.match((await review(spec)).stderr, text);
});

test("questions can only be asked", TIMEOUT, async () => {
  const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
  const { stderr } = await k.run(["get", "--raw", path]);
  assert.match(stderr, /does not allow this method on the requested resource/);
});
