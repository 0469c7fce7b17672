import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeSummary } from "#lib/api/node-summary";
import { silentLogger } from "#lib/logger";
import { StatusError } from "#lib/status-error";
import type { Pod } from "#proto/core/v1";
import { NodeApi, type NodeApiDeps } from "./node-api.ts";
import type { Frame, Session } from "./tunnel-client.ts";

const POD = { apiVersion: "v1", kind: "Pod", metadata: { name: "a" } } as Pod;

const DEPS: NodeApiDeps = {
  logger: silentLogger,
  pods: () => [POD],
  summary: async () => ({ pods: [] }) as unknown as NodeSummary,
  async *logs({ asked, namespace, pod }) {
    if (pod === "none") throw new StatusError("NotFound", 'pod "none" is not on this node');
    yield Buffer.from(`${namespace} ${pod} ${asked.container}\n`);
    yield Buffer.from(`${asked.tailLines} ${asked.previous} ${asked.follow}\n`);
  },
};
const REQUEST = { sessionId: "", namespace: "", pod: "", podUid: "", what: undefined };

/** Everything that comes back on one connection that asks so. */
async function ask(head: string, deps: Partial<NodeApiDeps> = {}): Promise<string> {
  const api = new NodeApi({ ...DEPS, ...deps });
  let answer = "";
  const session: Session = {
    request: REQUEST,
    signal: new AbortController().signal,
    frames: (async function* (): AsyncGenerator<Frame> {
      yield {
        $case: "stdin",
        value: Buffer.from(`${head}\r\nhost: n\r\nconnection: close\r\n\r\n`),
      };
      await new Promise(() => {});
    })(),
    send: async (frame) => {
      if (frame.$case === "stdout") answer += Buffer.from(frame.value).toString("utf8");
    },
  };
  await api.serve(session);
  return answer;
}

test("a node says that it is well, and which pods it runs", async () => {
  assert.match(await ask("GET /healthz HTTP/1.1"), /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nok$/s);
  const [, body = ""] = (await ask("GET /pods/ HTTP/1.1")).split("\r\n\r\n");
  assert.deepEqual(JSON.parse(body), {
    kind: "PodList",
    apiVersion: "v1",
    metadata: {},
    items: [{ metadata: { name: "a" } }],
  });
});

test("a node says what it uses", async () => {
  assert.match(await ask("GET /stats/summary HTTP/1.1"), /^HTTP\/1\.1 200 .*\{"pods":\[\]\}$/s);
});

test("a node gives its containers' logs", async () => {
  const logs = await ask("GET /containerLogs/ns/web/main?tailLines=3&previous=true HTTP/1.0");
  assert.match(logs, /^HTTP\/1\.1 200 .*\r\n\r\nns web main\n3 true false\n$/s);
  const none = await ask("GET /containerLogs/ns/none/main HTTP/1.1");
  assert.match(none, /^HTTP\/1\.1 404 .*pod "none" is not on this node$/s);
  const bad = await ask("GET /containerLogs/ns/web/main?tailLines=x HTTP/1.1");
  assert.match(bad, /^HTTP\/1\.1 400 .*tailLines: "x": must be a whole number$/s);
});

test("a node refuses what it does not have, and shows nobody its bugs", async () => {
  assert.match(
    await ask("GET /run/x HTTP/1.1"),
    /^HTTP\/1\.1 404 .*the node has nothing at \/run\/x/s,
  );
  assert.match(await ask("POST /pods HTTP/1.1"), /^HTTP\/1\.1 405 /);
  const broken = await ask("GET /pods HTTP/1.1", {
    pods: () => {
      throw new Error("secret");
    },
  });
  assert.match(broken, /^HTTP\/1\.1 500 .*see the agent's log$/s);
});

test("a connection that is broken off is over", async () => {
  const gone = new AbortController();
  const api = new NodeApi(DEPS);
  const served = api.serve({
    request: REQUEST,
    signal: gone.signal,
    frames: (async function* (): AsyncGenerator<Frame> {
      await new Promise(() => {});
    })(),
    send: async () => {},
  });
  gone.abort();
  await served;
});
