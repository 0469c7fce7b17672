/** Requests through the API server to pods and services, over the tunnel to a node that is a script. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, createConnection } from "node:net";
import { after, before, test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { silentLogger } from "#lib/logger";
import type { Pod } from "#proto/core/v1";
import { endpointSlices, nodes, pods, services } from "#resources";
import { NodeApi } from "../../nodeagent/streams/node-api.ts";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import {
  type AgentSession,
  type FakeAgent,
  type Frame,
  startFakeAgent,
} from "../harness/fake-agent.ts";
import { type Kubectl, kubectl } from "../harness/kubectl.ts";

const TIMEOUT = { timeout: 30_000 };
const PODS = "/api/v1/namespaces/default/pods";
const NODES = "/api/v1/nodes";
const SERVICES = "/api/v1/namespaces/default/services";

let server: TestServer;
let agent: FakeAgent;
let application: Server;
let k: Kubectl;
const nodeApi = new NodeApi({
  logger: silentLogger,
  pods: () => [{ metadata: { name: "web" } } as Pod],
  summary: () => Promise.reject(new Error("nothing is measured")),
  async *logs() {},
});

before(async () => {
  application = await startApplication();
  server = await startTestServer();
  const node = await server.credential("system:node:n1", ["system:nodes"]);
  const access = {
    address: `127.0.0.1:${server.server.grpcPort}`,
    authority: server.authority.certificate,
  };
  agent = startFakeAgent({ ...access, ...node }, serve);
  await agent.ready;
  k = await kubectl(server.kubeconfig, server.directory);
  await createObjects();
}, TIMEOUT);

after(async () => {
  agent.close();
  application.closeAllConnections();
  application.close();
  await server[Symbol.asyncDispose]();
}, TIMEOUT);

/** Says what it was asked; `/moved` redirects, `/cut` breaks off, and a WebSocket echoes. */
async function startApplication(): Promise<Server> {
  const found = createServer(async (request, response) => {
    if (request.url === "/moved") {
      response.writeHead(302, { location: "/new" }).end();
      return;
    }
    if (request.url === "/cut") {
      response.writeHead(200, { "content-length": "100" }).write("half");
      setImmediate(() => response.destroy());
      return;
    }
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const { authorization = "none" } = request.headers;
    response.end(`${request.method} ${request.url} ${body} authorization=${authorization}`);
  });
  new WebSocketServer({ server: found }).on("connection", (socket) =>
    socket.on("message", (data) => socket.send(`echo ${String(data)}`)),
  );
  found.listen(0, "127.0.0.1");
  await once(found, "listening");
  return found;
}

/** What the node tells of itself; the pod's port 80 is the application, and nothing listens on any other. */
async function serve(session: AgentSession): Promise<void> {
  const { request } = session;
  const { what } = request;
  if (what?.$case === "nodeApi") {
    const send = async (frame: Frame) => session.send(frame);
    const { signal } = new AbortController();
    await nodeApi.serve({ request, signal, frames: session.frames(), send });
    return session.end();
  }
  if (what?.$case !== "portForward" || what.value.port !== 80)
    return session.end(0, { reason: "ServiceUnavailable", message: "connection refused" });
  const socket = createConnection((application.address() as AddressInfo).port, "127.0.0.1");
  socket.on("data", (value) => session.send({ $case: "stdout", value: value as Buffer }));
  socket.on("error", () => {});
  socket.once("close", () => session.end());
  for await (const frame of session.frames()) {
    if (frame.$case === "stdin") socket.write(frame.value);
    else if (frame.$case === "stdinEnd") socket.end();
  }
  socket.destroy();
}

async function createObjects(): Promise<void> {
  const api = server.server.core.as({ name: "test", groups: ["system:masters"] });
  const namespace = "default";
  const ports = [{ name: "http", containerPort: 80 }];
  const spec = { containers: [{ name: "main", image: "none", ports }] };
  await api.create({ resource: pods, namespace }, { metadata: { name: "web" }, spec });
  await api.create({ resource: nodes }, { metadata: { name: "n1" } });
  await api.create({ resource: nodes }, { metadata: { name: "away" } });
  const target = { target: { name: "n1" } };
  await api.create({ resource: pods, namespace, name: "web", subresource: "binding" }, target);
  for (const name of ["web", "empty"]) {
    await api.create(
      { resource: services, namespace },
      { metadata: { name }, spec: { ports: [{ name: "http", port: 8080 }] } },
    );
  }
  await api.create(
    { resource: endpointSlices, namespace },
    {
      metadata: { name: "web-1", labels: { "kubernetes.io/service-name": "web" } },
      addressType: "IPv4",
      ports: [{ name: "http", port: 80 }],
      endpoints: [
        {
          addresses: ["10.0.0.1"],
          targetRef: { kind: "Pod", name: "gone" },
          conditions: { ready: false },
        },
        {
          addresses: ["10.0.0.2"],
          targetRef: { kind: "Pod", name: "web" },
          conditions: { ready: true },
        },
      ],
    },
  );
}

test("a pod is reached at its declared port, by number and by name", TIMEOUT, async () => {
  for (const name of ["web", "web:80", "web:http", "http:web:80"]) {
    const answer = await k.ok(["get", "--raw", `${PODS}/${name}/proxy/a%20b/?q=1%262`]);
    assert.equal(answer, "GET /a%20b/?q=1%262  authorization=none");
  }
});

test(
  "a service is reached through a ready pod, by the port's number and name",
  TIMEOUT,
  async () => {
    for (const name of ["web", "web:8080", "web:http"])
      assert.match(await k.ok(["get", "--raw", `${SERVICES}/${name}/proxy`]), /^GET \/ /);
  },
);

test("a node's agent is reached, whatever a client says of ports", TIMEOUT, async () => {
  for (const name of ["n1", "n1:10250", "https:n1:10250"])
    assert.equal(await k.ok(["get", "--raw", `${NODES}/${name}/proxy/healthz`]), "ok");
  const list = JSON.parse(await k.ok(["get", "--raw", `${NODES}/n1/proxy/pods`]));
  assert.deepEqual([list.kind, list.items], ["PodList", [{ metadata: { name: "web" } }]]);
});

test("every method goes through, with its body", TIMEOUT, async () => {
  const file = "-";
  const url = `${PODS}/web/proxy/x`;
  const posted = await k.ok(["create", "--raw", url, "-f", file], { input: "hello" });
  assert.equal(posted, "POST /x hello authorization=none");
  const put = await k.ok(["replace", "--raw", url, "-f", file], { input: "again" });
  assert.equal(put, "PUT /x again authorization=none");
  assert.match(await k.ok(["delete", "--raw", url]), /^DELETE \/x /);
});

const FAILURES = [
  { path: `${PODS}/web:81/proxy/`, expect: /connection refused/ },
  { path: `${PODS}/web:no/proxy/`, expect: /port must be from 1 to 65535: "no"/ },
  { path: `${PODS}/none/proxy/`, expect: /pods "none" not found/ },
  { path: `${PODS}/ftp:web:80/proxy/`, expect: /invalid name "ftp:web:80"/ },
  { path: `${SERVICES}/empty/proxy/`, expect: /no endpoints available for service "empty"/ },
  { path: `${SERVICES}/web:99/proxy/`, expect: /no service port "99" found for service "web"/ },
  { path: `${SERVICES}/none/proxy/`, expect: /services "none" not found/ },
  { path: `${NODES}/none/proxy/healthz`, expect: /nodes "none" not found/ },
  { path: `${NODES}/away/proxy/healthz`, expect: /node "away" is not connected to the API server/ },
  { path: `${NODES}/n1:80/proxy/healthz`, expect: /node "n1" has nothing on port "80"/ },
  { path: `${NODES}/n1/proxy/run/x`, expect: /could not find the requested resource/ },
] as const;

for (const { path, expect } of FAILURES) {
  test(`${path} is refused with its reason`, TIMEOUT, async () => {
    const { code, stderr } = await k.run(["get", "--raw", path]);
    assert.equal(code, 1);
    assert.match(stderr, expect);
  });
}

test("a pod's failure in the middle of an answer cuts it off", TIMEOUT, async () => {
  const { code, stderr } = await k.run(["get", "--raw", `${PODS}/web/proxy/cut`]);
  assert.equal(code, 1);
  assert.doesNotMatch(stderr, /from server/);
});

test("proxying is a right of its own", TIMEOUT, async () => {
  const { stderr } = await k.run(["get", "--raw", `${PODS}/web/proxy/`, "--as", "eve"]);
  assert.match(stderr, /User "eve" cannot get resource "pods\/proxy"/);
  const node = await k.run(["get", "--raw", `${NODES}/n1/proxy/healthz`, "--as", "eve"]);
  assert.match(node.stderr, /User "eve" cannot get resource "nodes\/proxy"/);
});

test("a redirect stays behind the proxy", TIMEOUT, async () => {
  const child = k.start(["proxy", "--port=0"]);
  try {
    const [line] = (await once(child.stdout ?? child, "data")) as [Buffer];
    const address = /127\.0\.0\.1:\d+/.exec(String(line))?.[0];
    const answer = await fetch(`http://${address}${PODS}/web/proxy/moved`, { redirect: "manual" });
    assert.equal(answer.status, 302);
    assert.match(answer.headers.get("location") ?? "", /\/pods\/web\/proxy\/new$/);
  } finally {
    child.kill();
    await once(child, "exit");
  }
});

test("a WebSocket of the application goes through", TIMEOUT, async () => {
  const socket = new WebSocket(
    `wss://127.0.0.1:${server.server.restPort}${PODS}/web/proxy/socket`,
    { ca: server.authority.certificate, cert: server.admin.certificate, key: server.admin.key },
  );
  await once(socket, "open");
  socket.send("hello");
  const [data] = await once(socket, "message");
  socket.close();
  assert.equal(String(data), "echo hello");
});
