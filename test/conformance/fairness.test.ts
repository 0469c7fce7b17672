/** Priority and fairness, and requests' time limits, as clients see them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, afterEach, before, test } from "node:test";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { JsonObject } from "#lib/json";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { AskingUser, applyAll, flowSchema, priorityLevel } from "../harness/flow-control.ts";
import { type Kubectl, kubectl } from "../harness/kubectl.ts";
import { until } from "../harness/until.ts";
import { startWebhookServer, type WebhookServer } from "../harness/webhook-server.ts";

const TIMEOUT = { timeout: 60_000 };
const SECRETS = "/api/v1/namespaces/default/secrets";
const MAPS = "/api/v1/namespaces/default/configmaps";
const DUMPS = "/debug/api_priority_and_fairness";

let server: TestServer;
let k: Kubectl;
let hook: WebhookServer;
let ann: AskingUser;
let bob: AskingUser;
/** Of a level of few seats. */
let slow: AskingUser;

before(async () => {
  server = await startTestServer();
  k = await kubectl(server.kubeconfig, server.directory);
  hook = await startWebhookServer(["127.0.0.1"]);
  ann = await AskingUser.named("ann", server, k);
  bob = await AskingUser.named("bob", server, k);
  slow = await AskingUser.named("slow", server, k);
  await k.ok(["create", "configmap", "m"]);
  await applyAll(k, HANGING());
  // Of 600 seats this is three.
  const queuing = { queues: 1, handSize: 1, queueLengthLimit: 2 };
  await applyAll(
    k,
    priorityLevel("few", {
      nominalConcurrencyShares: 1,
      borrowingLimitPercent: 0,
      limitResponse: { type: "Queue", queuing },
    }),
    flowSchema("few", "few", 300, "slow"),
  );
}, TIMEOUT);

after(async () => {
  for (const user of [ann, bob, slow]) user[Symbol.dispose]();
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

const secret = (name: string): JsonObject => ({ metadata: { name } });

test("a full level lets wait, then refuses; others do not notice", TIMEOUT, async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  hook.answer = () => promise.then(() => ({ allowed: true }));
  const running = ["a", "b", "c"].map((name) => slow.ask("POST", SECRETS, secret(name)));
  await until("three to be under way", 10_000, async () => hook.asked.length === 3);
  const waiting = ["d", "e"].map((name) => slow.ask("POST", SECRETS, secret(name)));
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
  const refused = await slow.ask("GET", MAPS);
  const status = JSON.parse(refused.text) as JsonObject;
  assert.deepEqual(
    [refused.code, status["reason"], status["kind"]],
    [429, "TooManyRequests", "Status"],
  );
  assert.match(String(refused.headers["retry-after"]), /^\d+$/);
  assert.match(String(refused.headers["x-kubernetes-pf-prioritylevel-uid"]), /^[0-9a-f-]{36}$/);
  assert.equal((await bob.ask("GET", MAPS)).code, 200);
  assert.equal(hook.asked.length, 3, "those who wait have not begun");
  resolve();
  for (const answer of await Promise.all([...running, ...waiting])) assert.equal(answer.code, 201);
  assert.equal((await slow.ask("GET", MAPS)).code, 200);
});

test(
  "who waits too long for a seat is refused: a quarter of the time that the request has",
  TIMEOUT,
  async () => {
    hook.answer = () => "never";
    const given = ["f", "g", "h"].map((name) =>
      slow.ask("POST", `${SECRETS}?timeout=3s`, secret(name)),
    );
    await until("three to be under way", 10_000, async () => hook.asked.length === 3);
    const { code } = await slow.ask("GET", `${MAPS}?timeout=400ms`);
    assert.equal(code, 429);
    const watching = bob.session.request({
      ":path": `${MAPS}?watch=1`,
    });
    await once(watching, "response");
    watching.close();
    for (const answer of await Promise.all(given)) assert.equal(answer.code, 504);
  },
);

test("watches hold a seat only while they begin; streams hold none", TIMEOUT, async () => {
  const watches = Array.from({ length: 20 }, () =>
    slow.session.request({
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
  assert.equal((await slow.ask("GET", MAPS)).code, 200);
  for (const watch of watches) watch.close();
});

test("a request's time is up: 504, and what it waits for hears of it", TIMEOUT, async () => {
  hook.answer = () => "never";
  const before = hook.abandoned;
  const answer = await bob.ask("POST", `${SECRETS}?timeout=500ms`, secret("late"));
  const { kind, message, reason } = JSON.parse(answer.text) as JsonObject;
  assert.deepEqual([answer.code, kind, reason], [504, "Status", "Timeout"]);
  assert.match(String(message), /took longer than it may/);
  await until("the webhook to be left", 10_000, async () => hook.abandoned === before + 1);
  assert.equal((await bob.ask("GET", `${SECRETS}/late`)).code, 404);
  const shown = await k.run(["create", "secret", "generic", "late", "--request-timeout=500ms"]);
  assert.equal(shown.code, 1);
  const bad = await k.run(["get", "--raw", `${MAPS}?timeout=soon`]);
  assert.match(bad.stderr, /\(BadRequest\): query parameter timeout must be .*: "soon"/);
  // A watch goes on for longer.
  const watch = bob.session.request({
    ":path": `${MAPS}?watch=1&timeout=100ms`,
  });
  await once(watch, "response");
  let isOver = false;
  watch.resume().once("close", () => {
    isOver = true;
  });
  await bob.ask("POST", `${SECRETS}?timeout=500ms`, secret("later"));
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
      await ann.ask("GET", path);
      answered++;
    }
  });
  await until("the load to stand", 50_000, async () => answered > parallel / 2);
  const between: number[] = [];
  for (let each = 0; each < 15; each++) {
    const before = answered;
    assert.equal((await bob.ask("GET", `${MAPS}/m`)).code, 200);
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
