/** Paths, queries and headers that were made to harm. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { useFuzz } from "../harness/fuzz.ts";
import { assertProper, type RawAnswer } from "../harness/raw-http.ts";

const MAPS = "/api/v1/namespaces/default/configmaps";

const fuzz = useFuzz(async (client) => {
  for (const name of ["a", "b", "c"]) {
    const body = JSON.stringify({ metadata: { name, labels: { app: name } } });
    await client.ask({
      method: "POST",
      path: MAPS,
      headers: { "content-type": "application/json" },
      body,
    });
  }
});

/** A watch, a table or another answer that is right, or a Status. */
async function ask(path: string, headers = {}, method = "GET"): Promise<RawAnswer> {
  const answer = await fuzz.client().ask({ path, headers, method });
  if (answer.code >= 400) assertProper(answer);
  return answer;
}

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.constantFrom(
    "",
    "0",
    "-1",
    "1e9",
    "true",
    "null",
    "NaN",
    "9".repeat(40),
    "\0",
    "a=b",
    "a in (b",
    "!",
    "!!a",
    "(",
    ")",
    ",,,",
    "a,!a",
    "constructor",
    "__proto__",
  ),
  fc
    .array(
      fc.constantFrom("a", "=", "!", "in", " ", "(", ")", ",", "<", ">", "notin", "/", ".", "\\"),
      { maxLength: 12 },
    )
    .map((parts) => parts.join("")),
);
const NAMES = [
  "labelSelector",
  "fieldSelector",
  "continue",
  "resourceVersion",
  "resourceVersionMatch",
  "limit",
  "timeoutSeconds",
  "watch",
  "allowWatchBookmarks",
  "sendInitialEvents",
  "pretty",
  "dryRun",
  "fieldManager",
  "fieldValidation",
  "gracePeriodSeconds",
  "propagationPolicy",
  "orphanDependents",
  "timeout",
];
const query = fc
  .array(fc.tuple(fc.constantFrom(...NAMES), text), { maxLength: 5 })
  .map((pairs) =>
    pairs.map(([name, value]) => `${name}=${encodeURIComponent(value.toWellFormed())}`).join("&"),
  );

fuzz.property(
  "lists and watches with any queries",
  () =>
    fc.asyncProperty(query, async (each) => {
      await ask(`${MAPS}?${each}&timeoutSeconds=1`);
    }) as never,
);

fuzz.property(
  "queries of any bytes",
  () =>
    fc.asyncProperty(
      fc.string({ unit: fc.constantFrom(..."%&=+;#?/\\aA0{}\"'<>"), maxLength: 40 }),
      async (each) => {
        await ask(`${MAPS}?${each}`);
      },
    ) as never,
);

const part = fc.constantFrom(
  "api",
  "apis",
  "v1",
  "namespaces",
  "default",
  "pods",
  "configmaps",
  "a",
  "..",
  ".",
  "",
  "%2e%2e",
  "%2F",
  "..%2f..%2fetc",
  "%00",
  "%zz",
  "%ff",
  "%c0%ae",
  "status",
  "log",
  "exec",
  "proxy",
  "scale",
  "constructor",
  "__proto__",
  "a".repeat(300),
  "openapi",
  "v3",
  "version",
  "readyz",
  "*",
);

for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE"])
  fuzz.property(
    `${method} of any path`,
    () =>
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 8 }), async (parts) => {
        const { code } = await fuzz
          .client()
          .ask({ method, path: `/${parts.join("/")}?dryRun=All&timeoutSeconds=1` });
        assert.ok(code >= 200 && code < 500, `${method} /${parts.join("/")}: ${code}`);
      }) as never,
  );

const names = fc.constantFrom(
  "..",
  ".",
  "../../secrets",
  "a/b",
  "a%b",
  "A",
  "-a",
  "a".repeat(254),
  "\u0000",
  "a\nb",
  "__proto__",
  "\u202e",
  "",
);

fuzz.property(
  "names that lead elsewhere are no names",
  () =>
    fc.asyncProperty(names, names, async (name, namespace) => {
      const body = JSON.stringify({
        metadata: { name, ...(namespace === "" ? {} : { namespace }) },
      });
      const answer = await fuzz
        .client()
        .ask({ method: "POST", path: MAPS, headers: { "content-type": "application/json" }, body });
      assertProper(answer);
      assert.ok(answer.code >= 400, answer.text);
    }) as never,
);

const headerText = fc.oneof(
  fc.string({ unit: fc.constantFrom(...' -/;=,.*+abcXYZ019"()'), maxLength: 60 }),
  fc.constantFrom(
    "application/json;as=Table;v=v9;g=meta.k8s.io",
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
    "*/*;q=9",
    ",,,;;;",
    "application/json;".repeat(500),
  ),
);

fuzz.property(
  "headers of any text",
  () =>
    fc.asyncProperty(headerText, headerText, async (accept, other) => {
      const headers = {
        accept,
        "if-none-match": other,
        "accept-encoding": other,
        "impersonate-user": other,
        "user-agent": other,
        authorization: `Bearer ${other}`,
      };
      await ask(MAPS, headers);
      await ask("/apis", { accept, "if-none-match": other });
      await ask("/openapi/v3", { accept });
    }) as never,
);

const START = "/registry/core/configmaps/default/a";

/** As the server writes them, by a hand that knows how. */
function token(rv: number, start: string): string {
  return Buffer.from(JSON.stringify({ v: 1, rv, start })).toString("base64url");
}

const CASES: readonly (readonly [name: string, path: string, code: number])[] = [
  ["a continue token that nobody gave out", `${MAPS}?limit=1&continue=aGVsbG8`, 400],
  [
    "a continue token of JSON that somebody made up",
    `${MAPS}?limit=1&continue=${token(1, "../../secrets")}`,
    400,
  ],
  [
    "a continue token that leads into other namespaces",
    `${MAPS}?continue=${token(-1, "/registry/core/configmaps/")}`,
    400,
  ],
  [
    "a continue token that leads into other kinds",
    `${MAPS}?continue=${token(1, "/registry/")}`,
    400,
  ],
  ["a continue token of no revision", `${MAPS}?continue=${token(-7, START)}`, 400],
  [
    "a continue token that names a far future",
    `${MAPS}?limit=1&continue=${token(99_999_999_999_999, START)}`,
    400,
  ],
  [
    "a watch from a version far ahead",
    `${MAPS}?watch=1&resourceVersion=99999999999999999999&timeoutSeconds=1`,
    400,
  ],
  ["a watch from a negative version", `${MAPS}?watch=1&resourceVersion=-5`, 400],
  [
    "a label selector of 2,000 requirements",
    `${MAPS}?labelSelector=${Array.from({ length: 2000 }, (_, at) => `k${at}!=v`).join(",")}`,
    200,
  ],
  [
    "a label selector of one set of 5,000 values",
    `${MAPS}?labelSelector=app+in+(${Array.from({ length: 5000 }, (_, at) => `v${at}`).join(",")})`,
    200,
  ],
  ["a label selector of 20,000 open brackets", `${MAPS}?labelSelector=${"(".repeat(20_000)}`, 400],
  [
    "a label selector of 20,000 commas and spaces",
    `${MAPS}?labelSelector=a${", ".repeat(15_000)}%28`,
    400,
  ],
  [
    "a field selector of 3,000 fields",
    `${MAPS}?fieldSelector=${Array.from({ length: 3000 }, () => "metadata.name!=x").join(",")}`,
    200,
  ],
  ["a field selector of no field", `${MAPS}?fieldSelector=__proto__.polluted=1`, 400],
  ["a limit beyond all numbers", `${MAPS}?limit=${"9".repeat(30)}`, 400],
  ["a kind named like a property of all objects", "/api/v1/namespaces/default/constructor", 404],
  ["a group named like a property of all objects", "/apis/__proto__/v1/toString", 404],
];

for (const [name, path, code] of CASES)
  fuzz.case(`${name}: ${code}`, async () => {
    const answer = await ask(path.replaceAll(" ", "+"));
    assert.equal(answer.code, code, answer.text.slice(0, 300));
  });

fuzz.case(
  "a label that nobody set is on nothing, whatever JavaScript thinks of its name",
  async () => {
    for (const [selector, found] of [
      ["constructor", 0],
      ["!constructor", 3],
      ["toString notin (x)", 3],
    ] as const) {
      const { text } = await ask(`${MAPS}?labelSelector=${encodeURIComponent(`app,${selector}`)}`);
      assert.equal(JSON.parse(text).items.length, found, selector);
    }
  },
);
