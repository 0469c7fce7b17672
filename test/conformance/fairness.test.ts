/** Priority and fairness, and requests' time limits, as clients see them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from "node:http2";
import { after, afterEach, before, test } from "node:test";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { JsonObject } from "#lib/json";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { type Kubectl, kubectl } from "../harness/kubectl.ts";
import { until } from "../harness/until.ts";
import { startWebhookServer, type WebhookServer } from "../harness/webhook-server.ts";

const TIMEOUT = { timeout: 60_000 };
const GROUP = "flowcontrol.apiserver.k8s.io/v1";
const SECRETS = "/api/v1/namespaces/default/secrets";
const MAPS = "/api/v1/namespaces/default/configmaps";
const DUMPS = "/debug/api_priority_and_fairness";

let server: TestServer;
let k: Kubectl;
let hook: WebhookServer;
/** A connection for each user, who may do everything, and is in no group that has privileges. */
const sessions = new Map<string, ClientHttp2Session>();

before(async () => {
  server = await startTestServer();
  k = await kubectl(server.kubeconfig, server.directory);
  hook = await startWebhookServer(["127.0.0.1"]);
  for (const user of ["ann", "bob", "slow"]) {
    await k.ok([
      "create",
      "clusterrolebinding",
      user,
      "--clusterrole=cluster-admin",
      `--user=${user}`,
    ]);
    const { certificate, key } = await server.credential(user);
    const url = `https://127.0.0.1:${server.server.restPort}`;
    sessions.set(user, connect(url, { ca: server.authority.certificate, cert: certificate, key }));
  }
  await k.ok(["create", "configmap", "m"]);
  await apply(HANGING());
  // Of 600 seats this is three.
  const queuing = { queues: 1, handSize: 1, queueLengthLimit: 2 };
  await apply(
    level("few", {
      nominalConcurrencyShares: 1,
      borrowingLimitPercent: 0,
      limitResponse: { type: "Queue", queuing },
    }),
    schema("few", "few", 300, "slow"),
  );
}, TIMEOUT);

after(async () => {
  for (const session of sessions.values()) session.close();
  await hook[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
}, TIMEOUT);

afterEach(() => {
  hook.answer = () => ({ allowed: true });
  hook.asked.length = 0;
});

/** Who makes a secret waits for a webhook. */
const HANGING = (): JsonObject => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "ValidatingWebhookConfiguration",
  metadata: { name: "hanging" },
  webhooks: [
    {
      name: "hanging.example.com",
      clientConfig: { url: `https://127.0.0.1:${hook.port}/`, caBundle: hook.caBundle },
      rules: [
        { apiGroups: [""], apiVersions: ["v1"], resources: ["secrets"], operations: ["CREATE"] },
      ],
      sideEffects: "None",
      admissionReviewVersions: ["v1"],
      // It need not be asked; what was given up must not be written all the same.
      failurePolicy: "Ignore",
      timeoutSeconds: 30,
    },
  ],
});

async function apply(...objects: readonly JsonObject[]): Promise<void> {
  for (const object of objects) await k.ok(["apply", "-f", "-"], { input: JSON.stringify(object) });
}

interface Answer {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

function ask(user: string, method: string, path: string, body?: JsonObject): Promise<Answer> {
  const head = { ":method": method, ":path": path, "content-type": "application/json" };
  const stream = (sessions.get(user) as ClientHttp2Session).request(head, { endStream: false });
  stream.end(body === undefined ? undefined : JSON.stringify(body));
  return new Promise((resolve, reject) => {
    let headers: IncomingHttpHeaders = {};
    let text = "";
    stream.once("response", (given) => {
      headers = given;
    });
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    stream.once("error", reject);
    stream.once("close", () => resolve({ code: Number(headers[":status"]), headers, text }));
  });
}

const schema = (name: string, level: string, precedence: number, user: string): JsonObject => ({
  apiVersion: GROUP,
  kind: "FlowSchema",
  metadata: { name },
  spec: {
    priorityLevelConfiguration: { name: level },
    matchingPrecedence: precedence,
    distinguisherMethod: { type: "ByUser" },
    rules: [
      {
        subjects: [{ kind: "User", user: { name: user } }],
        resourceRules: [
          {
            verbs: ["*"],
            apiGroups: ["*"],
            resources: ["*"],
            namespaces: ["*"],
            clusterScope: true,
          },
        ],
      },
    ],
  },
});

const level = (name: string, limited: JsonObject): JsonObject => ({
  apiVersion: GROUP,
  kind: "PriorityLevelConfiguration",
  metadata: { name },
  spec: { type: "Limited", limited },
});

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
    const bad = { ...schema("bad", "", 20_000, ""), metadata: { name: "bad" } };
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
  await apply(schema("early", "late", 900, "ann"));
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
  const before = await ask("ann", "GET", MAPS);
  assert.equal(
    before.headers["x-kubernetes-pf-flowschema-uid"],
    await uid("flowschema/global-default"),
  );
  await apply(level("late", { limitResponse: { type: "Reject" } }));
  await until("the schema to be found", 10_000, async () => (await condition()) === "False Found");
  const { headers } = await ask("ann", "GET", MAPS);
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

const secret = (name: string): JsonObject => ({ metadata: { name } });

test("a full level lets wait, then refuses; others do not notice", TIMEOUT, async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  hook.answer = () => promise.then(() => ({ allowed: true }));
  const running = ["a", "b", "c"].map((name) => ask("slow", "POST", SECRETS, secret(name)));
  await until("three to be under way", 10_000, async () => hook.asked.length === 3);
  const waiting = ["d", "e"].map((name) => ask("slow", "POST", SECRETS, secret(name)));
  await until("two to wait", 10_000, async () =>
    /\nfew, +1, +3, +3, +2, +3,/.test(
      await k.ok(["get", "--raw", `${DUMPS}/dump_priority_levels`]),
    ),
  );
  assert.match(await k.ok(["get", "--raw", `${DUMPS}/dump_queues`]), /\nfew, +0, +2\n/);
  assert.match(
    await k.ok(["get", "--raw", `${DUMPS}/dump_requests`]),
    /\nfew, +few, +0, +few\/slow, +1, +slow, +create, +\/api\/v1\/namespaces\/default\/secrets\n/,
  );
  const refused = await ask("slow", "GET", MAPS);
  const status = JSON.parse(refused.text) as JsonObject;
  assert.deepEqual(
    [refused.code, status["reason"], status["kind"]],
    [429, "TooManyRequests", "Status"],
  );
  assert.match(String(refused.headers["retry-after"]), /^\d+$/);
  assert.match(String(refused.headers["x-kubernetes-pf-prioritylevel-uid"]), /^[0-9a-f-]{36}$/);
  assert.equal((await ask("bob", "GET", MAPS)).code, 200);
  assert.equal(hook.asked.length, 3, "those who wait have not begun");
  resolve();
  for (const answer of await Promise.all([...running, ...waiting])) assert.equal(answer.code, 201);
  assert.equal((await ask("slow", "GET", MAPS)).code, 200);
});

test(
  "who waits too long for a seat is refused: a quarter of the time that the request has",
  TIMEOUT,
  async () => {
    hook.answer = () => "never";
    const given = ["f", "g", "h"].map((name) =>
      ask("slow", "POST", `${SECRETS}?timeout=3s`, secret(name)),
    );
    await until("three to be under way", 10_000, async () => hook.asked.length === 3);
    const { code } = await ask("slow", "GET", `${MAPS}?timeout=400ms`);
    assert.equal(code, 429);
    const watching = (sessions.get("bob") as ClientHttp2Session).request({
      ":path": `${MAPS}?watch=1`,
    });
    await once(watching, "response");
    watching.close();
    for (const answer of await Promise.all(given)) assert.equal(answer.code, 504);
  },
);

test("watches hold a seat only while they begin; streams hold none", TIMEOUT, async () => {
  const watches = Array.from({ length: 20 }, () =>
    (sessions.get("slow") as ClientHttp2Session).request({
      ":path": `${MAPS}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`,
    }),
  );
  await Promise.all(watches.map((watch) => once(watch, "response")));
  for (const watch of watches) watch.resume();
  await until("no seat to be in use", 10_000, async () =>
    /\nfew, +0, +0, +3, +0, +0,/.test(
      await k.ok(["get", "--raw", `${DUMPS}/dump_priority_levels`]),
    ),
  );
  assert.equal((await ask("slow", "GET", MAPS)).code, 200);
  for (const watch of watches) watch.close();
});

test("a request's time is up: 504, and what it waits for hears of it", TIMEOUT, async () => {
  hook.answer = () => "never";
  const before = hook.abandoned;
  const answer = await ask("bob", "POST", `${SECRETS}?timeout=500ms`, secret("late"));
  const { kind, message, reason } = JSON.parse(answer.text) as JsonObject;
  assert.deepEqual([answer.code, kind, reason], [504, "Status", "Timeout"]);
  assert.match(String(message), /took longer than it may/);
  await until("the webhook to be left", 10_000, async () => hook.abandoned === before + 1);
  assert.equal((await ask("bob", "GET", `${SECRETS}/late`)).code, 404);
  const shown = await k.run(["create", "secret", "generic", "late", "--request-timeout=500ms"]);
  assert.equal(shown.code, 1);
  const bad = await k.run(["get", "--raw", `${MAPS}?timeout=soon`]);
  assert.match(bad.stderr, /\(BadRequest\): query parameter timeout must be .*: "soon"/);
  // A watch goes on for longer.
  const watch = (sessions.get("bob") as ClientHttp2Session).request({
    ":path": `${MAPS}?watch=1&timeout=100ms`,
  });
  await once(watch, "response");
  let isOver = false;
  watch.resume().once("close", () => {
    isOver = true;
  });
  await ask("bob", "POST", `${SECRETS}?timeout=500ms`, secret("later"));
  assert.equal(isOver, false);
  watch.close();
});

test(
  "a body that does not come in time ends in 408 and the connection's end, and holds no seat",
  TIMEOUT,
  async () => {
    const { certificate, key } = await server.credential("slow");
    const socket: TLSSocket = connectTls({
      port: server.server.restPort,
      host: "127.0.0.1",
      ca: server.authority.certificate,
      cert: certificate,
      key,
      ALPNProtocols: ["http/1.1"],
    });
    await once(socket, "secureConnect");
    const head = `POST ${MAPS}?timeout=1s HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`;
    socket.write(head);
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    assert.match(
      await k.ok(["get", "--raw", `${DUMPS}/dump_priority_levels`]),
      /\nfew, +0, +0, +3, +0, +0,/,
    );
    await once(socket, "close");
    const text = Buffer.concat(chunks).toString();
    assert.match(text, /^HTTP\/1\.1 408 /);
    assert.match(text, /"reason":"Timeout".*"code":408/);
  },
);

/** How many answers a client with so many requests at a time has while another has one. */
async function answersBetween(parallel: number, path: string): Promise<readonly number[]> {
  let isOver = false;
  let answered = 0;
  const large = Array.from({ length: parallel }, async () => {
    while (!isOver) {
      await ask("ann", "GET", path);
      answered++;
    }
  });
  await until("the load to stand", 50_000, async () => answered > parallel / 2);
  const between: number[] = [];
  for (let each = 0; each < 15; each++) {
    const before = answered;
    assert.equal((await ask("bob", "GET", `${MAPS}/m`)).code, 200);
    between.push(answered - before);
  }
  isOver = true;
  await Promise.all(large);
  return between.toSorted((a, b) => a - b);
}

test(
  "a client with a thousand requests at a time does not keep another from being served",
  TIMEOUT,
  async () => {
    const between = await answersBetween(1000, `${MAPS}/m`);
    assert.ok((between[7] ?? 0) < 100, `answers to one between two of the other: ${between}`);
  },
);
