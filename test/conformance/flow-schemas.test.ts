/** The objects of priority and fairness, as those who configure it see them. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { JsonObject } from "#lib/json";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { AskingUser, applyAll, flowSchema, priorityLevel } from "../harness/flow-control.ts";
import { type Kubectl, kubectl } from "../harness/kubectl.ts";
import { until } from "../harness/until.ts";

const TIMEOUT = { timeout: 60_000 };
const MAPS = "/api/v1/namespaces/default/configmaps";

let server: TestServer;
let k: Kubectl;
let ann: AskingUser;

before(async () => {
  server = await startTestServer();
  k = await kubectl(server.kubeconfig, server.directory);
  ann = await AskingUser.named("ann", server, k);
}, TIMEOUT);

after(async () => {
  ann[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
}, TIMEOUT);

test("the defaults are there, and kubectl shows what they are", TIMEOUT, async () => {
  const schemas = await k.ok(["get", "flowschemas"]);
  assert.match(
    schemas,
    /^NAME +PRIORITYLEVEL +MATCHINGPRECEDENCE +DISTINGUISHERMETHOD +AGE +MISSINGPL\n/,
  );
  assert.match(schemas, /\nsystem-nodes +system +500 +ByUser +\S+ +False\n/);
  assert.match(schemas, /\nprobes +exempt +2 +<none> +\S+ +False\n/);
  const levels = await k.ok(["get", "prioritylevelconfigurations"]);
  assert.match(
    levels,
    /^NAME +TYPE +NOMINALCONCURRENCYSHARES +QUEUES +HANDSIZE +QUEUELENGTHLIMIT +AGE\n/,
  );
  assert.match(levels, /\nworkload-low +Limited +100 +128 +6 +50 /);
  assert.match(levels, /\nexempt +Exempt +<none> +<none> +<none> +<none> /);
});

test(
  "wrong objects are refused by the field, and what is fixed cannot be changed",
  TIMEOUT,
  async () => {
    const bad = { ...flowSchema("bad", "", 20_000, ""), metadata: { name: "bad" } };
    const refused = await k.run(["apply", "-f", "-"], { input: JSON.stringify(bad) });
    for (const field of [
      "spec.matchingPrecedence",
      "spec.priorityLevelConfiguration.name",
      "spec.rules[0].subjects[0].user.name",
    ])
      assert.ok(refused.stderr.includes(`* ${field}: `), refused.stderr);
    const fixed = await k.run([
      "patch",
      "prioritylevelconfiguration",
      "catch-all",
      "--type=merge",
      '-p={"spec":{"limited":{"nominalConcurrencyShares":500}}}',
    ]);
    assert.match(fixed.stderr, /spec: Invalid value: .*the spec of "catch-all" is fixed/);
    const exempt = ["patch", "prioritylevelconfiguration", "exempt", "--type=merge"];
    await k.ok([...exempt, '-p={"spec":{"exempt":{"nominalConcurrencyShares":1}}}']);
    await k.ok([...exempt, '-p={"spec":{"exempt":{"nominalConcurrencyShares":0}}}']);
  },
);

test("a schema says whether its level is there, and counts as soon as it is", TIMEOUT, async () => {
  await applyAll(k, flowSchema("early", "late", 900, "ann"));
  const condition = async (): Promise<string> =>
    k.ok([
      "get",
      "flowschema",
      "early",
      "-o=jsonpath={.status.conditions[0].status} {.status.conditions[0].reason}",
    ]);
  await until("the schema to dangle", 10_000, async () => (await condition()) === "True NotFound");
  const uid = async (name: string): Promise<string> =>
    k.ok(["get", name, "-o=jsonpath={.metadata.uid}"]);
  const before = await ann.ask("GET", MAPS);
  assert.equal(
    before.headers["x-kubernetes-pf-flowschema-uid"],
    await uid("flowschema/global-default"),
  );
  await applyAll(k, priorityLevel("late", { limitResponse: { type: "Reject" } }));
  await until("the schema to be found", 10_000, async () => (await condition()) === "False Found");
  const { headers } = await ann.ask("GET", MAPS);
  assert.equal(headers["x-kubernetes-pf-flowschema-uid"], await uid("flowschema/early"));
  assert.equal(
    headers["x-kubernetes-pf-prioritylevel-uid"],
    await uid("prioritylevelconfiguration/late"),
  );
  const status = { status: { conditions: [{ type: "Mine", status: "True" }] } };
  await k.ok([
    "patch",
    "prioritylevelconfiguration",
    "late",
    "--subresource=status",
    "--type=merge",
    `-p=${JSON.stringify(status)}`,
  ]);
  await k.ok(["delete", "flowschema/early", "prioritylevelconfiguration/late"]);
});

test(
  "defaults that were deleted or changed come back; those that users own do not",
  TIMEOUT,
  async () => {
    const patch = (name: string, merge: JsonObject) =>
      k.ok([
        "patch",
        "prioritylevelconfiguration",
        name,
        "--type=merge",
        `-p=${JSON.stringify(merge)}`,
      ]);
    const shares = (name: string) =>
      k.ok([
        "get",
        "prioritylevelconfiguration",
        name,
        "-o=jsonpath={.spec.limited.nominalConcurrencyShares}",
      ]);
    const changed = { spec: { limited: { nominalConcurrencyShares: 7 } } };
    await patch("system", changed);
    const own = { metadata: { annotations: { "apf.kubernetes.io/autoupdate-spec": "false" } } };
    await patch("node-high", { ...changed, ...own });
    await k.ok(["delete", "flowschema", "catch-all", "service-accounts"]);
    await until("all to be as it was", 20_000, async () => {
      await k.ok(["get", "flowschema", "catch-all", "service-accounts"]);
      return (await shares("system")) === "30";
    });
    assert.equal(await shares("node-high"), "7");
    await patch("node-high", {
      metadata: { annotations: { "apf.kubernetes.io/autoupdate-spec": "true" } },
    });
    await until(
      "the server to own it again",
      20_000,
      async () => (await shares("node-high")) === "40",
    );
  },
);
