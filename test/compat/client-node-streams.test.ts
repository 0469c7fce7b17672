/** @kubernetes/client-node's streams: exec, attach, logs and port-forward, to a node that answers by a script. */
import assert from "node:assert/strict";
import { PassThrough, Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { Attach, Exec, KubeConfig, Log, PortForward, type V1Status } from "@kubernetes/client-node";
import { WebSocket } from "ws";
import { pods } from "#resources";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { type AgentSession, type FakeAgent, startFakeAgent } from "../harness/fake-agent.ts";

const TIMEOUT = { timeout: 30_000 };

let server: TestServer;
let agent: FakeAgent;
let config: KubeConfig;

before(async () => {
  server = await startTestServer();
  const node = await server.credential("system:node:n1", ["system:nodes"]);
  const address = `127.0.0.1:${server.server.grpcPort}`;
  agent = startFakeAgent({ address, authority: server.authority.certificate, ...node }, serve);
  await agent.ready;
  const api = server.server.core.as({ name: "test", groups: ["system:masters"] });
  const target = { resource: pods, namespace: "default" };
  await api.create(target, {
    metadata: { name: "web" },
    spec: { containers: [{ name: "main", image: "none" }] },
  });
  await api.create({ ...target, name: "web", subresource: "binding" }, { target: { name: "n1" } });
  config = new KubeConfig();
  config.loadFromFile(server.kubeconfig);
}, TIMEOUT);

after(async () => {
  agent.close();
  await server[Symbol.asyncDispose]();
}, TIMEOUT);

/** Echoes what comes, in capitals on ports; `fail` exits 3; logs that are followed count to three. */
async function serve(session: AgentSession): Promise<void> {
  const { what } = session.request;
  if (what?.$case === "logs") return tell(session, what.value.follow ? THREE : ["all"]);
  if (what?.$case === "portForward") return echo(session, "once", (said) => said.toUpperCase());
  if (what?.$case !== "exec" || what.value.command[0] !== "fail")
    return echo(session, "to the end", (said) => said);
  session.send({ $case: "stderr", value: Buffer.from("it failed\n") });
  session.end(3);
}

const THREE = ["one", "two", "three"];

async function tell(session: AgentSession, lines: readonly string[]): Promise<void> {
  for (const line of lines) {
    session.send({ $case: "stdout", value: Buffer.from(`${line}\n`) });
    await new Promise((resolve) => setImmediate(resolve));
  }
  session.end();
}

async function echo(
  session: AgentSession,
  times: "once" | "to the end",
  said: (text: string) => string,
): Promise<void> {
  for await (const frame of session.frames()) {
    if (frame.$case === "stdinEnd") break;
    if (frame.$case !== "stdin") continue;
    session.send({ $case: "stdout", value: Buffer.from(said(String(frame.value))) });
    if (times === "once") break;
  }
  session.end();
}

test("exec copies stdin to its end, and tells success", TIMEOUT, async () => {
  const input = Buffer.from("line\n".repeat(20_000));
  const stdout = new PassThrough();
  const output = buffer(stdout);
  const status = await new Promise<V1Status>((resolve, reject) => {
    new Exec(config)
      .exec("default", "web", "main", ["cat"], stdout, null, Readable.from([input]), false, resolve)
      .catch(reject);
  });
  stdout.end();
  assert.equal(status.status, "Success");
  assert.deepEqual(await output, input);
});

test("exec tells the exit code, and what went to stderr", TIMEOUT, async () => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const said = text(stderr);
  const status = await new Promise<V1Status>((resolve, reject) => {
    new Exec(config)
      .exec("default", "web", "main", "fail", stdout, stderr, null, false, resolve)
      .catch(reject);
  });
  stderr.end();
  assert.equal(await said, "it failed\n");
  assert.equal(status.reason, "NonZeroExitCode");
  assert.deepEqual(
    status.details?.causes?.map((each) => each.message),
    ["3"],
  );
});

for (const protocol of ["v5.channel.k8s.io", "v4.channel.k8s.io"])
  test(`exec over ${protocol} carries a channel and a status each`, TIMEOUT, async () => {
    const { admin, authority } = server;
    const socket = new WebSocket(
      `wss://127.0.0.1:${server.server.restPort}/api/v1/namespaces/default/pods/web/exec?command=fail&stdout=true&stderr=true`,
      [protocol],
      { ca: authority.certificate, cert: admin.certificate, key: admin.key },
    );
    const messages: string[] = [];
    socket.on("message", (data: Buffer) => messages.push(data.toString("utf8")));
    const [code] = await new Promise<[number]>((resolve) =>
      socket.once("close", (...given) => resolve([given[0]])),
    );
    assert.equal(socket.protocol, protocol);
    assert.equal(code, 1000);
    assert.equal(messages[0], "\x02it failed\n");
    const [last = ""] = messages.slice(-1);
    assert.ok(last.startsWith("\x03{") && last.includes('"reason":"NonZeroExitCode"'), last);
  });

test("attach shows what a container says", TIMEOUT, async () => {
  const stdout = new PassThrough();
  const output = text(stdout);
  const socket = await new Attach(config).attach(
    "default",
    "web",
    "main",
    stdout,
    null,
    Readable.from(["hello"]),
    false,
  );
  await new Promise((resolve) => socket.once("close", resolve));
  stdout.end();
  assert.equal(await output, "hello");
});

test("logs, whole and followed", TIMEOUT, async () => {
  for (const [follow, expected] of [
    [false, "all\n"],
    [true, "one\ntwo\nthree\n"],
  ] as const) {
    const stream = new PassThrough();
    const output = text(stream);
    await new Log(config).log("default", "web", "main", stream, { follow });
    assert.equal(await output, expected);
  }
});

test("port-forward carries bytes both ways", TIMEOUT, async () => {
  const output = new PassThrough();
  const answer = text(output);
  const input = new PassThrough();
  const socket = await new PortForward(config).portForward(
    "default",
    "web",
    [80],
    output,
    null,
    input,
  );
  input.write("hello");
  assert.ok(typeof socket === "object");
  await new Promise((resolve) => socket.once("close", resolve));
  output.end();
  assert.equal(await answer, "HELLO");
});
