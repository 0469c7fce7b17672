/** Bodies that are no objects, or nearly: each is answered with an object or with a Status that says what is wrong. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeProtobuf } from "#codec";
import type { JsonObject, JsonValue } from "#lib/json";
import type { ApiObject } from "#proto";
import { useFuzz } from "../harness/fuzz.ts";
import { assertProper, type RawAnswer, type RawRequest } from "../harness/raw-http.ts";
import { pathOf, type Sample, sampleOf, samples } from "../harness/samples.ts";

const fuzz = useFuzz();
const JSON_TYPE = { "content-type": "application/json" };
const YAML_TYPE = { "content-type": "application/yaml" };
const PROTOBUF_TYPE = { "content-type": "application/vnd.kubernetes.protobuf" };
const MAPS = "/api/v1/namespaces/default/configmaps";

const anySample = fc.constantFrom(...samples);
/** Dry, so that nothing stays; the way there is the same. */
const dry = (path: string): string => `${path}?dryRun=All&fieldValidation=Strict`;

async function ask(request: RawRequest): Promise<RawAnswer> {
  const answer = await fuzz.client().ask({ method: "POST", ...request });
  assertProper(answer);
  return answer;
}

const hostile: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.constantFrom<JsonValue>(null, true, "", " ", "\0", "\ud800", "../..", "a".repeat(70_000)),
  fc.constantFrom<JsonValue>(
    -1,
    0,
    1e308,
    -1e308,
    2 ** 63,
    1.5,
    Number.MIN_VALUE,
    [],
    {},
    [null],
    [[]],
  ),
  fc.constantFrom<JsonValue>({ "": "" }, { constructor: 1 }, { toString: {} }, { length: -1 }),
  fc.constant(JSON.parse('{"__proto__": {"polluted": true}}') as JsonValue),
  fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<JsonValue>,
);

fuzz.property(
  "any JSON at all, as any kind",
  () =>
    fc.asyncProperty(anySample, fc.json({ maxDepth: 6 }), async ({ resource }, body) => {
      await ask({ path: dry(pathOf(resource)), headers: JSON_TYPE, body });
    }) as never,
);

fuzz.property(
  "an object with one hostile value somewhere in it",
  () =>
    fc.asyncProperty(anySample, hostile, fc.nat(), async (sample, value, place) => {
      const body = JSON.stringify(withValueAt(sampleOf(sample, "hostile"), value, place));
      await ask({ path: dry(pathOf(sample.resource)), headers: JSON_TYPE, body });
    }) as never,
);

fuzz.property(
  "JSON whose bytes were flipped, which is often no UTF-8 and seldom JSON",
  () =>
    fc.asyncProperty(anySample, flips, async (sample, changes) => {
      const body = flipped(Buffer.from(JSON.stringify(sampleOf(sample, "flipped"))), changes);
      await ask({ path: dry(pathOf(sample.resource)), headers: JSON_TYPE, body });
    }) as never,
);

fuzz.property(
  "text as YAML",
  () =>
    fc.asyncProperty(fc.oneof(fc.string({ unit: "binary" }), yamlish), async (body) => {
      await ask({ path: dry(MAPS), headers: YAML_TYPE, body });
    }) as never,
);

fuzz.property(
  "protobuf that is cut off",
  () =>
    fc.asyncProperty(anySample, fc.nat(), async (sample, at) => {
      const whole = protobufOf(sample, "cut");
      const body = whole.subarray(0, at % whole.length);
      await ask({ path: dry(pathOf(sample.resource)), headers: PROTOBUF_TYPE, body });
    }) as never,
);

fuzz.property(
  "protobuf whose bytes were flipped",
  () =>
    fc.asyncProperty(anySample, flips, async (sample, changes) => {
      const body = flipped(protobufOf(sample, "flipped"), changes);
      await ask({ path: dry(pathOf(sample.resource)), headers: PROTOBUF_TYPE, body });
    }) as never,
);

const flips = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 });
const yamlish = fc
  .array(
    fc.constantFrom(
      "a:",
      " ",
      "\n",
      "- ",
      "{",
      "}",
      "[",
      "&x ",
      "*x",
      "!!binary ",
      "<<: ",
      "|\n",
      "? ",
      '"',
      "%YAML 9\n",
      "---\n",
      "\t",
    ),
  )
  .map((parts) => parts.join(""));

/** The `place`-th value of the object, counted over all depths, becomes another. */
function withValueAt(object: JsonObject, value: JsonValue, place: number): JsonObject {
  const copy = structuredClone(object) as Record<string, JsonValue>;
  const places: (() => void)[] = [];
  const walk = (node: JsonValue): void => {
    if (typeof node !== "object" || node === null) return;
    for (const key of Object.keys(node)) {
      const holder = node as Record<string, JsonValue>;
      places.push(() => {
        holder[key] = value;
      });
      walk(holder[key] ?? null);
    }
  };
  walk(copy);
  places[place % places.length]?.();
  return copy;
}

function flipped(bytes: Buffer, changes: readonly (readonly [number, number])[]): Buffer {
  const copy = Buffer.from(bytes);
  for (const [at, value] of changes) copy[at % copy.length] = value;
  return copy;
}

function protobufOf(sample: Sample, name: string): Buffer {
  return Buffer.from(encodeProtobuf(sampleOf(sample, name) as unknown as ApiObject));
}

const nested = (open: string, close: string, depth: number): string =>
  open.repeat(depth) + close.repeat(depth);

const LARGE: readonly (readonly [name: string, code: number, request: Omit<RawRequest, "path">])[] =
  [
    ["lists that nest 100,000 deep", 400, { headers: JSON_TYPE, body: nested("[", "]", 100_000) }],
    [
      "objects that nest 100,000 deep",
      400,
      { headers: JSON_TYPE, body: `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}` },
    ],
    ["YAML that nests 100,000 deep", 400, { headers: YAML_TYPE, body: nested("[", "]", 100_000) }],
    [
      "a body of just under 3 MiB",
      422,
      { headers: JSON_TYPE, body: map({ a: "x".repeat(3 * 1024 * 1024 - 200) }) },
    ],
    [
      "a body of just over 3 MiB",
      413,
      { headers: JSON_TYPE, body: map({ a: "x".repeat(3 * 1024 * 1024) }) },
    ],
    ["a body of 64 MiB", 413, { headers: JSON_TYPE, body: Buffer.alloc(64 * 1024 * 1024, " ") }],
    [
      "50,000 names",
      422,
      {
        headers: JSON_TYPE,
        body: map(Object.fromEntries(Array.from({ length: 50_000 }, (_, at) => [`${at} no`, "x"]))),
      },
    ],
    ["a bomb of YAML's aliases", 400, { headers: YAML_TYPE, body: yamlBomb() }],
    [
      "a bomb in gzip",
      400,
      {
        headers: { ...JSON_TYPE, "content-encoding": "gzip" },
        body: Buffer.from("1f8b0800000000000003", "hex"),
      },
    ],
    ["no body", 400, { headers: JSON_TYPE, body: "" }],
    ["a body of an unknown type", 415, { headers: { "content-type": "text/html" }, body: "<p>" }],
    [
      "protobuf that is only a beginning",
      400,
      { headers: PROTOBUF_TYPE, body: Buffer.from("6b387300", "hex") },
    ],
    [
      "protobuf of a length that is a lie",
      400,
      { headers: PROTOBUF_TYPE, body: Buffer.from("6b38730012ffffffff7f", "hex") },
    ],
  ];

for (const [name, code, request] of LARGE)
  fuzz.case(`${name} is answered with ${code}`, async () => {
    const answer = await ask({ path: MAPS, ...request });
    assert.equal(answer.code, code, answer.text.slice(0, 300));
  });

fuzz.case("fields that stand there twice are told, and the last one counts", async () => {
  const body = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"twice"},"data":{"a":"1"},"data":{"a":"2"}}`;
  const strict = await ask({ path: dry(MAPS), headers: JSON_TYPE, body });
  assert.equal(strict.code, 400);
  assert.match(strict.text, /duplicate field \\"data\\"/);
  const lax = await ask({
    path: `${MAPS}?dryRun=All&fieldValidation=Ignore`,
    headers: JSON_TYPE,
    body,
  });
  assert.equal(JSON.parse(lax.text).data.a, "2");
});

const NAMES = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "length"];
const bodies: readonly (readonly [
  name: string,
  type: Record<string, string>,
  body: string | Buffer,
])[] = [
  ["JSON", JSON_TYPE, map(Object.fromEntries(NAMES.map((name) => [name, "kept"])), "names")],
  [
    "YAML",
    YAML_TYPE,
    `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: names}\ndata:\n${NAMES.map((name) => `  ${name}: kept\n`).join("")}`,
  ],
];
for (const [name, headers, body] of bodies)
  fuzz.case(
    `names that JavaScript has a use for are names like any others in ${name}`,
    async () => {
      const made = await ask({ path: MAPS, headers, body });
      assert.equal(made.code, 201, made.text);
      const { text } = await fuzz.client().ask({ path: `${MAPS}/names` });
      for (const each of NAMES) assert.ok(text.includes(`"${each}":"kept"`), `${each}: ${text}`);
      const patch = `{"data":{"__proto__":"new","constructor":null}}`;
      for (const type of ["merge-patch", "strategic-merge-patch"]) {
        const patched = await ask({
          method: "PATCH",
          path: `${MAPS}/names`,
          headers: { "content-type": `application/${type}+json` },
          body: patch,
        });
        assert.match(patched.text, /"__proto__":"new"/);
        assert.doesNotMatch(patched.text, /"constructor"/);
      }
      await ask({ method: "DELETE", path: `${MAPS}/names` });
    },
  );

function map(data: JsonObject, name = "m"): string {
  const entries = Object.entries(data).map(
    ([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`,
  );
  return `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"${name}"},"data":{${entries.join(",")}}}`;
}

/** Nine levels of nine: a billion values, if one were to write them out. */
function yamlBomb(): string {
  const level = (at: number): string =>
    `l${at}: &l${at} [${Array.from({ length: 9 }, () => `*l${at - 1}`).join(",")}]\n`;
  return `l0: &l0 [x]\n${Array.from({ length: 9 }, (_, at) => level(at + 1)).join("")}`;
}
