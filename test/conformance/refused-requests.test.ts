/** Requests that contradict themselves or are out of all bounds are refused in Kubernetes' words, before anything begins. */
import assert from "node:assert/strict";
import { connect } from "node:http2";
import { after, before, test } from "node:test";
import { startTestServer, type TestServer } from "../harness/api-server.ts";

const TIMEOUT = { timeout: 60_000 };
const MAPS = "/api/v1/namespaces/default/configmaps";

let server: TestServer;

before(async () => {
  server = await startTestServer();
  const made = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } };
  assert.equal((await ask({ method: "POST", path: MAPS, body: JSON.stringify(made) })).code, 201);
}, TIMEOUT);

after(() => server[Symbol.asyncDispose](), TIMEOUT);

interface Request {
  readonly method?: string;
  readonly path: string;
  readonly type?: string;
  readonly body?: string | Buffer;
}

/** `[[…]]` and `{"a":{"a":…}}` deep. */
const list = "[".repeat(100_000) + "]".repeat(100_000);
const object = `${'{"a":'.repeat(9000)}1${"}".repeat(9000)}`;

/** 70,000 fields in less than a megabyte. */
const wide = `{${Array.from({ length: 70_000 }, (_, at) => `"k${at}":""`).join()}}`;
const wideMap = `{"metadata":{"name":"wide"},"data":${wide}}`;
const bad = Array.from({ length: 5000 }, (_, at) => `"a b${at}"`).join();
/** The envelope of a pod with 70,000 empty containers, two bytes each. */
const containers = Buffer.alloc(140_000, Buffer.from([0x12, 0]));
const widePod = Buffer.concat([
  Buffer.from("6b3873000a090a0276311203506f6412", "hex"),
  varint(containers.length + 1 + varint(containers.length).length),
  Buffer.from([0x12]),
  varint(containers.length),
  containers,
]);

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest >>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

const REFUSED: readonly (readonly [Request, number, RegExp])[] = [
  [{ path: `${MAPS}?watch=1&sendInitialEvents=1` }, 422, /sendInitialEvents requires setting/],
  [{ path: `${MAPS}?watch=1&resourceVersion=abc` }, 400, /resourceVersion: invalid value: "abc"/],
  [{ path: `${MAPS}?continue=x&resourceVersion=5` }, 400, /not allowed when using continue/],
  [
    {
      method: "DELETE",
      path: `${MAPS}/a?propagationPolicy=Orphan&orphanDependents=false`,
    },
    422,
    /propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be/,
  ],
  [
    {
      method: "DELETE",
      path: `${MAPS}/a`,
      type: "application/json",
      body: '{"propagationPolicy":"Background","orphanDependents":true}',
    },
    422,
    /orphanDependents and deletionPropagation cannot be both set/,
  ],
  [
    {
      method: "DELETE",
      path: `${MAPS}/a`,
      type: "application/json",
      body: `{"propagationPolicy":${list}}`,
    },
    400,
    /nests deeper than 500 levels/,
  ],
  [{ method: "POST", path: MAPS, body: object }, 400, /nests deeper than 500 levels/],
  [{ method: "POST", path: MAPS, body: wideMap }, 413, /more than 65536 fields/],
  [{ method: "POST", path: MAPS, body: `[${"{},".repeat(70_000)}{}]` }, 413, /more than 65536/],
  [{ method: "PUT", path: `${MAPS}/a`, body: wideMap }, 413, /more than 65536 fields/],
  [
    { method: "PATCH", path: `${MAPS}/a`, type: "application/merge-patch+json", body: wideMap },
    413,
    /more than 65536 fields/,
  ],
  [
    {
      method: "PATCH",
      path: `${MAPS}/wide?fieldManager=me`,
      type: "application/apply-patch+yaml",
      body: wideMap,
    },
    413,
    /more than 65536 fields/,
  ],
  [
    { method: "DELETE", path: `${MAPS}/a`, type: "application/json", body: wide },
    413,
    /more than 65536 fields/,
  ],
  [
    {
      method: "POST",
      path: "/api/v1/namespaces/default/pods",
      type: "application/vnd.kubernetes.protobuf",
      body: widePod,
    },
    400,
    /more than 65536 messages and entries/,
  ],
  [
    {
      method: "POST",
      path: MAPS,
      type: "application/yaml",
      body: `data:\n${Array.from({ length: 30_000 }, (_, at) => `  k${at}: a\n`).join("")}`,
    },
    413,
    /limit is 262144 for YAML; send it as JSON/,
  ],
  [
    { method: "POST", path: MAPS, type: "application/yaml", body: "data: {a: b, a: c}" },
    400,
    /map keys must be unique: "a"/,
  ],
  [{ method: "POST", path: MAPS, type: "application/xml", body: "<a/>" }, 415, /application\/yaml/],
  [
    { method: "POST", path: MAPS, body: `{"metadata":{"name":"bad","finalizers":[${bad}]}}` },
    422,
    /and 4900 more\]$/,
  ],
  ...["merge", "strategic-merge"].map(
    (kind) =>
      [
        {
          method: "PATCH",
          path: `${MAPS}/a`,
          type: `application/${kind}-patch+json`,
          body: object,
        },
        400,
        /nests deeper than 500 levels/,
      ] as const,
  ),
  ...[list, `data: ${list}`, `data: ${"[".repeat(100_000)}`].map(
    (body) =>
      [
        {
          method: "PATCH",
          path: `${MAPS}/a?fieldManager=me`,
          type: "application/apply-patch+yaml",
          body,
        },
        400,
        /nests deeper than 500 levels/,
      ] as const,
  ),
];

for (const [request, code, why] of REFUSED) {
  const { body = "", method = "GET", path, type = "" } = request;
  test(
    `${method} ${path} ${type} ${JSON.stringify(String(body).slice(0, 30))} is refused`,
    TIMEOUT,
    async () => {
      const answer = await ask(request);
      assert.equal(answer.code, code, answer.text);
      assert.match(answer.text, /"kind":"Status"/);
      assert.match((JSON.parse(answer.text) as { readonly message: string }).message, why);
      assert.doesNotMatch(answer.text, /call stack/);
    },
  );
}

function ask({ body, method = "GET", path, type = "application/json" }: Request) {
  const { admin, authority } = server;
  const session = connect(`https://127.0.0.1:${server.server.restPort}`, {
    ca: authority.certificate,
    cert: admin.certificate,
    key: admin.key,
  });
  const headers = { ":method": method, ":path": path };
  const stream = session.request(body ? { ...headers, "content-type": type } : headers, {
    endStream: false,
  });
  return new Promise<{ readonly code: number; readonly text: string }>((resolve, reject) => {
    let code = 0;
    let text = "";
    session.once("error", reject);
    stream.once("error", reject);
    stream.once("response", (head) => {
      code = Number(head[":status"]);
      // A watch that was not refused has no end.
      if (code === 200) stream.close();
    });
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    stream.once("close", () => {
      session.close();
      resolve({ code, text });
    });
    stream.end(body);
  });
}
