/** The real kubectl's streams, to a node that answers by a script. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createConnection } from "node:net";
import { after, before, test } from "node:test";
import { WebSocket } from "ws";
import { pods } from "#resources";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { type AgentSession, type FakeAgent, startFakeAgent } from "../harness/fake-agent.ts";
import { type Kubectl, kubectl, oldKubectl } from "../harness/kubectl.ts";

const TIMEOUT = { timeout: 30_000 };

let server: TestServer;
let agent: FakeAgent;
let k: Kubectl;
/** Speaks SPDY alone. */
let old: Kubectl;

before(async () => {
  server = await startTestServer();
  const node = await server.credential("system:node:n1", ["system:nodes"]);
  agent = startFakeAgent({ ...access(server), ...node }, serve);
  await agent.ready;
  k = await kubectl(server.kubeconfig, server.directory);
  old = await oldKubectl(server.kubeconfig, server.directory);
  await createPod("web", "n1");
  await createPod("lost", "n2");
  await createPod("new", undefined);
}, TIMEOUT);

after(async () => {
  agent.close();
  await server[Symbol.asyncDispose]();
}, TIMEOUT);

function access({ server: { grpcPort }, authority }: TestServer) {
  return { address: `127.0.0.1:${grpcPort}`, authority: authority.certificate };
}

async function createPod(name: string, node: string | undefined): Promise<void> {
  const api = server.server.core.as({ name: "test", groups: ["system:masters"] });
  const target = { resource: pods, namespace: "default" };
  await api.create(target, {
    metadata: { name },
    spec: { containers: [{ name: "main", image: "none" }] },
  });
  if (node !== undefined)
    await api.create({ ...target, name, subresource: "binding" }, { target: { name: node } });
  const status = { phase: "Running" };
  const current = await api.get({ ...target, name });
  await api.update({ ...target, name, subresource: "status" }, { ...current, status } as never);
}

/** `exec -- cat` echoes, `exec -- fail` exits 3, logs are two lines, ports echo in capitals. */
async function serve(session: AgentSession): Promise<void> {
  const { what } = session.request;
  if (what?.$case === "logs") {
    if (what.value.previous)
      return session.end(0, { reason: "NotFound", message: "previous container not found" });
    session.send({ $case: "stdout", value: Buffer.from("one\n") });
    session.send({
      $case: "stderr",
      value: Buffer.from(`tail ${what.value.tailLines ?? "all"}\n`),
    });
    return session.end();
  }
  if (what?.$case === "exec" && what.value.command[0] === "fail") {
    session.send({ $case: "stderr", value: Buffer.from("it failed\n") });
    return session.end(3);
  }
  if (what?.$case === "portForward" && what.value.port === 81)
    return session.end(0, { reason: "ServiceUnavailable", message: "connection refused" });
  const isForward = what?.$case === "portForward";
  for await (const frame of session.frames()) {
    if (frame.$case === "stdinEnd") break;
    if (frame.$case !== "stdin") continue;
    const value = isForward ? Buffer.from(String(frame.value).toUpperCase()) : frame.value;
    session.send({ $case: "stdout", value });
  }
  session.end();
}

test("kubectl logs prints both outputs, and hands its options on", TIMEOUT, async () => {
  assert.equal(await k.ok(["logs", "web"]), "one\ntail all\n");
  assert.equal(await k.ok(["logs", "web", "--tail=7"]), "one\ntail 7\n");
});

test("kubectl logs tells why a node cannot serve them", TIMEOUT, async () => {
  const { code, stderr } = await k.run(["logs", "web", "--previous"]);
  assert.equal(code, 1);
  assert.match(stderr, /previous container not found/);
});

test("kubectl exec copies stdin to its end", TIMEOUT, async () => {
  const input = "line\n".repeat(50_000);
  assert.equal(await k.ok(["exec", "-i", "web", "--", "cat"], { input }), input);
});

test("kubectl exec exits as the process does", TIMEOUT, async () => {
  const { code, stderr } = await k.run(["exec", "web", "--", "fail"]);
  assert.equal(code, 3);
  assert.match(stderr, /it failed\n.*exit code 3/s);
});

test("kubectl attach sees the container's output", TIMEOUT, async () => {
  assert.equal(await k.ok(["attach", "-i", "web"], { input: "hello\n" }), "hello\n");
});

test(
  "kubectl exec names the node that is not connected, and the pod without one",
  TIMEOUT,
  async () => {
    const lost = await k.run(["exec", "lost", "--", "cat"]);
    assert.match(lost.stderr, /node "n2" is not connected to the API server/);
    const waiting = await k.run(["exec", "new", "--", "cat"]);
    assert.match(waiting.stderr, /pod "new" is not on a node yet|pod new does not have a host/);
  },
);

test("kubectl port-forward carries connections, and failures of single ones", TIMEOUT, async () => {
  const child = k.start(["port-forward", "web", ":80", ":81"]);
  const lines: string[] = [];
  child.stderr?.on("data", (chunk: Buffer) => lines.push(String(chunk)));
  try {
    const [open, refused] = await forwardedPorts(child.stdout);
    for (let i = 0; i < 3; i++) assert.equal(await talk(open ?? 0, "hello"), "HELLO");
    assert.equal(await talk(refused ?? 0, "hello"), "");
    assert.match(lines.join(""), /connection refused/);
  } finally {
    if (child.exitCode === null) {
      child.kill();
      await once(child, "exit");
    }
  }
});

test("an old kubectl's exec over SPDY copies stdin to its end", TIMEOUT, async () => {
  const input = "line\n".repeat(1_000_000);
  assert.equal(await old.ok(["exec", "-i", "web", "--", "cat"], { input }), input);
});

test("an old kubectl's exec over SPDY exits as the process does", TIMEOUT, async () => {
  const { code, stderr } = await old.run(["exec", "web", "--", "fail"]);
  assert.equal(code, 3);
  assert.match(stderr, /it failed\n.*exit code 3/s);
});

test("an old kubectl attaches over SPDY", TIMEOUT, async () => {
  assert.equal(await old.ok(["attach", "-i", "web"], { input: "hello\n" }), "hello\n");
});

test("an old kubectl is told why it cannot exec", TIMEOUT, async () => {
  const { code, stderr } = await old.run(["exec", "lost", "--", "cat"]);
  assert.equal(code, 1);
  assert.match(stderr, /node "n2" is not connected to the API server/);
});

test("an old kubectl forwards ports over bare SPDY", TIMEOUT, async () => {
  const child = old.start(["port-forward", "web", ":80", ":81"]);
  try {
    const [open] = await forwardedPorts(child.stdout);
    for (let i = 0; i < 3; i++) assert.equal(await talk(open ?? 0, "hello"), "HELLO");
  } finally {
    if (child.exitCode === null) {
      child.kill();
      await once(child, "exit");
    }
  }
});

test("exec in the name of another user asks what that user may", TIMEOUT, async () => {
  for (const each of [k, old]) {
    const { code, stderr } = await each.run(["exec", "web", "--as", "eve", "--", "fail"]);
    assert.equal(code, 1);
    assert.match(stderr, /User "eve" cannot/);
  }
});

/** Listens without leaving: a kubectl that cannot write what it does ends. */
function forwardedPorts(output: NodeJS.ReadableStream | null): Promise<readonly number[]> {
  let text = "";
  return new Promise((resolve) => {
    output?.on("data", (chunk: Buffer) => {
      text += String(chunk);
      const ports = [...text.matchAll(/127\.0\.0\.1:(\d+) ->/g)].map((match) => Number(match[1]));
      if (ports.length === 2) resolve(ports);
    });
  });
}

/** Sends, ends its half, and reads to the end. */
function talk(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: "127.0.0.1" });
    let answer = "";
    socket.on("data", (chunk) => {
      answer += String(chunk);
    });
    socket.on("error", () => {});
    socket.once("close", () => resolve(answer));
    socket.end(text);
  });
}

test(
  "the older port-forward names its port on each channel, then carries bytes",
  TIMEOUT,
  async () => {
    const socket = new WebSocket(
      `wss://127.0.0.1:${server.server.restPort}/api/v1/namespaces/default/pods/web/portforward?ports=80`,
      ["v4.channel.k8s.io"],
      { ca: server.authority.certificate, cert: server.admin.certificate, key: server.admin.key },
    );
    const messages: Buffer[] = [];
    socket.on("message", (data) => messages.push(data as Buffer));
    await once(socket, "open");
    socket.send(Buffer.from("\0hello"));
    while (messages.length < 3) await once(socket, "message");
    socket.close();
    assert.deepEqual(
      messages.map((m) => m.toString("latin1")),
      ["\0\x50\0", "\x01\x50\0", "\0HELLO"],
    );
  },
);
