/** What GET and LIST answer for each resourceVersion, match, limit and token: Kubernetes' table of semantics, row by row. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { HttpClient, type RawAnswer } from "../harness/http-client.ts";

const TIMEOUT = { timeout: 60_000 };
const MAPS = "/api/v1/namespaces/default/configmaps";

let server: TestServer;
let client: HttpClient;
/** Revisions at which there were so many ConfigMaps. */
let at: readonly number[];

before(async () => {
  server = await startTestServer();
  client = new HttpClient(server);
  const revisions = [await newest()];
  for (const name of ["a", "b", "c"]) revisions.push(await create(name));
  at = revisions;
}, TIMEOUT);

after(async () => {
  client[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
}, TIMEOUT);

interface List {
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
}

async function newest(): Promise<number> {
  const { metadata } = (await client.ask({ path: MAPS })).json() as unknown as List;
  return Number(metadata.resourceVersion);
}

async function create(name: string): Promise<number> {
  const made = await client.ask({
    method: "POST",
    path: MAPS,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ metadata: { name } }),
  });
  const { metadata } = made.json() as { metadata: { resourceVersion: string } };
  return Number(metadata.resourceVersion);
}

/** `$1` is the revision at which there was one. */
function filled(query: string): string {
  return query.replaceAll(/\$(\d)/g, (_, count: string) => String(at[Number(count)]));
}

function told(answer: RawAnswer): string {
  const body = answer.json();
  if (answer.code !== 200) return `${answer.code} ${body["message"]}`;
  const { items, metadata } = body as unknown as List;
  const names = items.map((item) => item.metadata.name).join("");
  const revision = at.indexOf(Number(metadata.resourceVersion));
  return `${names} at $${revision}${metadata.continue === undefined ? "" : " +"}`;
}

const LISTS: readonly (readonly [query: string, answer: string | RegExp])[] = [
  // Without a match: the newest, any, not older; with a limit exactly.
  ["", "abc at $3"],
  ["resourceVersion=", "abc at $3"],
  ["resourceVersion=0", "abc at $3"],
  ["resourceVersion=$1", "abc at $3"],
  ["limit=2", "ab at $3 +"],
  ["limit=2&resourceVersion=0", "ab at $3 +"],
  ["limit=2&resourceVersion=$2", "ab at $2"],
  ["limit=1&resourceVersion=$2", "a at $2 +"],
  // Exact.
  ["resourceVersionMatch=Exact&resourceVersion=$1", "a at $1"],
  ["resourceVersionMatch=Exact&resourceVersion=$2&limit=1", "a at $2 +"],
  ["resourceVersionMatch=Exact&resourceVersion=$3", "abc at $3"],
  ["resourceVersionMatch=Exact", /^422 .*forbidden unless resourceVersion is provided/],
  ["resourceVersionMatch=Exact&resourceVersion=0", /^422 .*forbidden for resourceVersion "0"/],
  // NotOlderThan.
  ["resourceVersionMatch=NotOlderThan&resourceVersion=0", "abc at $3"],
  ["resourceVersionMatch=NotOlderThan&resourceVersion=$1", "abc at $3"],
  ["resourceVersionMatch=NotOlderThan&resourceVersion=$1&limit=2", "ab at $3 +"],
  ["resourceVersionMatch=NotOlderThan", /^422 .*forbidden unless resourceVersion is provided/],
  // What is no version, no match, no token.
  ["resourceVersion=abc", /^400 resourceVersion: invalid value: "abc"/],
  ["resourceVersionMatch=Newest&resourceVersion=1", /^422 .*Unsupported value: "Newest"/],
  ["continue=abc", /^400 .*continue/],
  ["fieldSelector=spec.nodeName%3Dx", "400 field label not supported: spec.nodeName"],
  ["watch=1&fieldSelector=data.k%3Dx", "400 field label not supported: data.k"],
  ["watch=1&labelSelector=a%3D%3D%3Db", /^400 /],
];

describe("LIST", TIMEOUT, () => {
  for (const [query, expected] of LISTS) {
    test(`?${query}`, async () => {
      const answer = told(await client.ask({ path: `${MAPS}?${filled(query)}` }));
      if (typeof expected === "string") assert.equal(answer, expected);
      else assert.match(answer, expected);
    });
  }

  test("goes on where it ended, in the same state", async () => {
    const first = await client.ask({ path: `${MAPS}?${filled("limit=1&resourceVersion=$2")}` });
    const token = (first.json() as unknown as List).metadata.continue ?? "";
    const path = `${MAPS}?limit=5&continue=${encodeURIComponent(token)}`;
    assert.equal(told(await client.ask({ path })), "b at $2");
    assert.equal(told(await client.ask({ path: `${path}&resourceVersion=0` })), "b at $2");
    const wrong = await client.ask({ path: `${path}&resourceVersion=${at[2]}` });
    assert.match(
      told(wrong),
      /^400 specifying resource version is not allowed when using continue/,
    );
    const match = await client.ask({ path: `${path}&resourceVersionMatch=NotOlderThan` });
    assert.match(told(match), /^422 .*forbidden when continue is provided/);
  });
});

describe("a version", TIMEOUT, () => {
  test("of GET is one that the answer is as new as", async () => {
    for (const version of ["", "0", "1", String(at[3])]) {
      const answer = await client.ask({ path: `${MAPS}/a?resourceVersion=${version}` });
      assert.equal(answer.code, 200);
    }
    const wrong = await client.ask({ path: `${MAPS}/a?resourceVersion=-1` });
    assert.equal(wrong.code, 400);
  });

  test("that never comes is waited for, and then refused", async () => {
    const paths = [`${MAPS}/a?`, `${MAPS}?`, `${MAPS}?resourceVersionMatch=Exact&`];
    const asked = paths.map((path) => client.ask({ path: `${path}resourceVersion=999999` }));
    for (const answer of await Promise.all(asked)) {
      assert.equal(answer.code, 504);
      assert.equal(answer.headers["retry-after"], "1");
      const { details, message, reason } = answer.json() as {
        details: { causes: { reason: string }[]; retryAfterSeconds: number };
        message: string;
        reason: string;
      };
      assert.match(message, /^Too large resource version: 999999, current: \d+$/);
      assert.equal(reason, "Timeout");
      assert.equal(details.causes[0]?.reason, "ResourceVersionTooLarge");
      assert.equal(details.retryAfterSeconds, 1);
    }
  });

  test("that is about to come is answered when it has", async () => {
    const next = (await newest()) + 1;
    const waiting = client.ask({ path: `${MAPS}/late?resourceVersion=${next}` });
    await create("late");
    assert.equal((await waiting).code, 200);
  });
});
