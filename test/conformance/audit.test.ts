/** The audit log as its reader sees it: what kubectl does, in lines of JSON. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { get } from "node:https";
import { after, before, beforeEach, test } from "node:test";
import { configMaps } from "#resources";
import { grpcTransport } from "../../client/transport/grpc.ts";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import {
  type LoggedEvent,
  type LoggedObject,
  type TestAuditLog,
  testAuditLog,
} from "../harness/audit-log.ts";
import { type Kubectl, kubectl } from "../harness/kubectl.ts";
import { until } from "../harness/until.ts";

const TIMEOUT = { timeout: 60_000 };

const POLICY = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitManagedFields: true
rules:
  - level: None
    users: ["system:apiserver"]
  - level: None
    nonResourceURLs: ["/api*", "/openapi*"]
  - level: Metadata
    resources: [{group: "", resources: ["secrets", "serviceaccounts/token"]}]
  - level: RequestResponse
    namespaces: ["whole"]
  - level: Request
    omitStages: ["RequestReceived"]
`;

let log: TestAuditLog;
let server: TestServer;
let k: Kubectl;

before(async () => {
  log = await testAuditLog(POLICY);
  server = await startTestServer({ auditor: log.auditor });
  k = await kubectl(server.kubeconfig, server.directory);
  await k.ok(["create", "namespace", "ns"]);
  await k.ok(["create", "namespace", "whole"]);
}, TIMEOUT);

after(async () => {
  await server[Symbol.asyncDispose]();
  await log[Symbol.asyncDispose]();
}, TIMEOUT);

beforeEach(() => log.forget());

const shown = ({ level, objectRef, stage, verb }: LoggedEvent) =>
  [stage, verb, objectRef?.["resource"], level].join(" ");

test("a request's stages are recorded in their order, under one id", TIMEOUT, async () => {
  await k.ok(["create", "configmap", "-n", "whole", "c", "--from-literal=a=b"]);
  const found = log.events();
  assert.deepEqual(found.map(shown), [
    "RequestReceived create configmaps RequestResponse",
    "ResponseComplete create configmaps RequestResponse",
  ]);
  const [received, complete] = found as [LoggedEvent, LoggedEvent];
  assert.equal(received.auditID, complete.auditID);
  assert.match(received.auditID, /^[0-9a-f-]{36}$/);
  assert.equal(received.requestObject, undefined);
  const { auditID, requestReceivedTimestamp, stageTimestamp, userAgent, ...rest } = complete;
  const { requestObject, responseObject, ...plain } = rest;
  assert.deepEqual(plain, {
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "RequestResponse",
    stage: "ResponseComplete",
    requestURI:
      "/api/v1/namespaces/whole/configmaps?fieldManager=kubectl-create&fieldValidation=Strict",
    verb: "create",
    user: { username: "admin", groups: ["system:masters", "system:authenticated"] },
    sourceIPs: ["127.0.0.1"],
    objectRef: { resource: "configmaps", namespace: "whole", name: "c", apiVersion: "v1" },
    responseStatus: { metadata: {}, code: 201 },
    annotations: { "authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "" },
  });
  assert.deepEqual(requestObject?.["data"], { a: "b" });
  assert.equal(requestObject?.metadata.uid, undefined);
  assert.deepEqual(responseObject?.["data"], { a: "b" });
  assert.ok(responseObject?.metadata.uid);
  assert.equal(responseObject?.metadata["managedFields"], undefined);
  assert.match(userAgent ?? "", /^kubectl\/v1\.35/);
  assert.match(stageTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  assert.ok(requestReceivedTimestamp <= stageTimestamp);
});

test("the answer says under which id it is recorded", TIMEOUT, async () => {
  const traced = await k.run(["get", "namespace", "ns", "-v=8"]);
  const id = /audit-id: (\S+)/i.exec(traced.stderr)?.[1];
  assert.equal(log.events().at(-1)?.auditID, id);
});

test("what a client says of itself is taken as far as it makes sense", TIMEOUT, async () => {
  const { certificate: cert, key } = server.admin;
  const ask = (headers: Readonly<Record<string, string>>): Promise<string> =>
    new Promise((resolve, reject) => {
      const port = server.server.restPort;
      const options = { port, path: "/version", ca: server.authority.certificate, cert, key };
      get({ ...options, headers }, (response) => {
        response.resume();
        resolve(String(response.headers["audit-id"]));
      }).once("error", reject);
    });
  assert.equal(await ask({ "audit-id": "mine-1", "x-forwarded-for": "10.1.2.3, <b>" }), "mine-1");
  const { auditID, sourceIPs } = log.events().at(-1) ?? {};
  assert.deepEqual([auditID, sourceIPs], ["mine-1", ["10.1.2.3", "127.0.0.1"]]);
  for (const strange of ["with space", "x".repeat(65), "\u00e4"])
    assert.match(await ask({ "audit-id": strange }), /^[0-9a-f-]{36}$/);
});

test("bodies of secrets and tokens are kept only where the policy says so", TIMEOUT, async () => {
  await k.ok(["create", "secret", "generic", "-n", "whole", "s", "--from-literal=a=hush"]);
  await k.ok(["create", "serviceaccount", "-n", "ns", "robot"]);
  const token = await k.ok(["create", "token", "-n", "ns", "robot"]);
  const made = log.events().filter(({ responseStatus }) => responseStatus?.code === 201);
  assert.deepEqual(
    made.map(({ objectRef }) => [objectRef?.["resource"], objectRef?.["name"]]),
    [
      ["secrets", "s"],
      ["serviceaccounts", "robot"],
      ["serviceaccounts", "robot"],
    ],
  );
  assert.equal(made[0]?.requestObject, undefined);
  assert.equal(made[2]?.requestObject, undefined);
  const text = readFileSync(log.path, "utf8");
  assert.doesNotMatch(text, /hush|aHVzaA/);
  assert.ok(!text.includes(token.trim()));
});

test("a patch is recorded as it was sent, and a deletion's options", TIMEOUT, async () => {
  await k.ok(["create", "configmap", "-n", "ns", "p"]);
  await k.ok(["patch", "configmap", "-n", "ns", "p", "--type=merge", "-p", '{"data":{"x":"y"}}']);
  await k.ok(["delete", "configmap", "-n", "ns", "p", "--grace-period=7", "--wait=false"]);
  const found = log.events().filter(({ verb }) => verb !== "get");
  assert.deepEqual(found.map(shown), [
    "ResponseComplete create configmaps Request",
    "ResponseComplete patch configmaps Request",
    "ResponseComplete delete configmaps Request",
  ]);
  assert.deepEqual(found[1]?.requestObject, { data: { x: "y" } });
  assert.equal(found[1]?.responseObject, undefined);
  assert.equal(found[2]?.requestObject?.["gracePeriodSeconds"], 7);
});

test("refusals say by whom and why, also of who is not recognised", TIMEOUT, async () => {
  await k.run(["get", "pods", "-n", "ns", "--as=ann", "--as-group=dev"]);
  await k.run(["get", "namespaces", "nothing"]);
  const url = `https://127.0.0.1:${server.server.restPort}`;
  const bad = ["--server", url, "--insecure-skip-tls-verify", "--token=wrong"];
  await k.run(["--kubeconfig=/dev/null", ...bad, "get", "--raw", "/version"]);
  const found = log.events();
  const forbidden = found.find(({ impersonatedUser }) => impersonatedUser !== undefined);
  assert.equal(forbidden?.user.username, "admin");
  assert.deepEqual(forbidden.impersonatedUser, {
    username: "ann",
    groups: ["dev", "system:authenticated"],
  });
  assert.equal(forbidden.annotations?.["authorization.k8s.io/decision"], "forbid");
  const { code, message, reason, status } = forbidden.responseStatus ?? { code: 0 };
  assert.deepEqual([code, status, reason], [403, "Failure", "Forbidden"]);
  assert.match(String(message), /^pods is forbidden: User "ann" cannot list/);
  const missing = found.find(({ objectRef }) => objectRef?.["name"] === "nothing");
  assert.equal(missing?.responseStatus?.code, 404);
  const unknown = found.find(({ requestURI }) => requestURI === "/version");
  assert.deepEqual([unknown?.user, unknown?.responseStatus?.code], [{}, 401]);
});

test("a watch has a beginning and an end", TIMEOUT, async () => {
  const watches = () => log.events().filter(({ verb }) => verb === "watch");
  const watching = k.start(["get", "configmaps", "-n", "whole", "--watch", "-o", "name"]);
  await until("its beginning", 20_000, async () => watches().length === 2);
  watching.kill("SIGKILL");
  await until("its end", 20_000, async () => watches().length === 3);
  assert.deepEqual(
    watches().map(({ responseStatus, stage }) => [stage, responseStatus?.code]),
    [
      ["RequestReceived", undefined],
      ["ResponseStarted", 200],
      ["ResponseComplete", 200],
    ],
  );
});

test("a list's objects are recorded, without managed fields", TIMEOUT, async () => {
  await k.ok(["get", "configmaps", "-n", "whole"]);
  const complete = log.events().find(({ stage }) => stage === "ResponseComplete");
  const { items, kind } = (complete?.responseObject ?? {}) as unknown as {
    readonly kind: string;
    readonly items: readonly LoggedObject[];
  };
  assert.equal(kind, "ConfigMapList");
  assert.deepEqual(
    items.map(({ metadata }) => [metadata.name, metadata["managedFields"]]),
    [["c", undefined]],
  );
});

test(
  "programs in the server's process are recorded too, and so is the gRPC front",
  TIMEOUT,
  async () => {
    const robot = { name: "system:naru", groups: ["system:masters"] };
    const target = { resource: configMaps, namespace: "ns", name: "inside" };
    await server.server.core.as(robot).create(
      { resource: configMaps, namespace: "ns" },
      {
        metadata: { name: "inside" },
      },
    );
    const transport = grpcTransport({
      address: `127.0.0.1:${server.server.grpcPort}`,
      authority: server.authority.certificate,
      certificate: server.admin.certificate,
      key: server.admin.key,
    });
    await transport.get(target);
    await assert.rejects(transport.get({ ...target, name: "nothing" }));
    const following = new AbortController();
    const watched = transport.watch(
      { resource: configMaps, namespace: "ns" },
      {},
      following.signal,
    );
    for await (const _ of watched) following.abort();
    transport.close();
    const watchEnded = () => log.events().some((e) => e.verb === "watch" && e.stage === COMPLETE);
    await until("the end of the watch", 20_000, async () => watchEnded());
    assert.deepEqual(
      log
        .events()
        .map(({ requestURI, responseStatus, sourceIPs, stage, user, verb }) => [
          verb,
          stage,
          user.username,
          sourceIPs,
          responseStatus?.code,
          requestURI,
        ]),
      [
        ["create", COMPLETE, "system:naru", undefined, 201, `${MAPS}`],
        ["get", COMPLETE, "admin", ["127.0.0.1"], 200, `${MAPS}/inside`],
        ["get", COMPLETE, "admin", ["127.0.0.1"], 404, `${MAPS}/nothing`],
        ["watch", "ResponseStarted", "admin", ["127.0.0.1"], 200, `${MAPS}`],
        ["watch", COMPLETE, "admin", ["127.0.0.1"], 200, `${MAPS}`],
      ],
    );
  },
);

const COMPLETE = "ResponseComplete";
const MAPS = "/api/v1/namespaces/ns/configmaps";
