import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "#lib/system-clock";
import { systemRandom } from "#lib/system-random";
import { storeContract } from "../storage/contract.ts";
import { storeModelContract } from "../storage/contract-model.ts";
import { MemoryStore } from "../storage/memory/memory-store.ts";
import { TestClock } from "../storage/test-clock.ts";
import { parseEncryptionConfig } from "./config.ts";
import { EncryptedStore } from "./encrypted-store.ts";
import { Encryption } from "./encryption.ts";

const secret = (byte: number, length = 32): string => Buffer.alloc(length, byte).toString("base64");

function encryption(...rules: (readonly [resources: string, providers: string])[]): Encryption {
  const text = rules.map(
    ([resources, providers]) => `{resources: ${resources}, providers: ${providers}}`,
  );
  return new Encryption(parseEncryptionConfig("c", file(`[${text.join(", ")}]`)), systemRandom);
}

function file(resources: string): string {
  return `apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources: ${resources}\n`;
}

const keys = (kind: string, ...names: readonly string[]): string =>
  `{${kind}: {keys: [${names.map((name) => `{name: ${name}, secret: ${secret(name.charCodeAt(0))}}`).join(", ")}]}}`;

const open = async () => {
  const clock = new TestClock();
  const everything = encryption(['["*.*"]', `[${keys("aesgcm", "a")}]`]);
  const store = new EncryptedStore(new MemoryStore(clock), everything);
  return {
    store,
    pass: async (seconds: number) => clock.advance(seconds * 1000),
    dispose: () => store.close(),
  };
};

storeContract("encrypted", open);
storeModelContract("encrypted", open);

const KEY = "/registry/core/secrets/ns/s";
const VALUE = Buffer.from('{"data":"hush"}');

for (const kind of ["aesgcm", "aescbc"]) {
  test(`${kind}: values lie encrypted, each time otherwise, under the name of their key`, () => {
    const { decrypt, encrypt } = bound(encryption(["[secrets]", `[${keys(kind, "a")}]`]));
    const [one, two] = [encrypt(KEY, VALUE), encrypt(KEY, VALUE)];
    assert.ok(Buffer.from(one).toString("latin1").startsWith(`k8s:enc:${kind}:v1:a:`));
    assert.ok(!Buffer.from(one).includes("hush"));
    assert.notDeepEqual(one, two);
    assert.deepEqual(decrypt(KEY, one), { value: VALUE, isStale: false });
  });
}

function bound(each: Encryption) {
  return {
    encrypt: (key: string, value: Uint8Array) => each.encrypt(key, value),
    decrypt: (key: string, value: Uint8Array) => each.decrypt(key, value),
  };
}

test("the first key writes, the others read, and what they read is to be written anew", () => {
  const old = encryption(["[secrets]", `[${keys("aescbc", "a")}]`]);
  const now = encryption([
    "[secrets]",
    `[${keys("aesgcm", "b", "c")}, ${keys("aescbc", "a")}, {identity: {}}]`,
  ]);
  assert.equal(now.decrypt(KEY, old.encrypt(KEY, VALUE)).isStale, true);
  assert.equal(now.decrypt(KEY, VALUE).isStale, true);
  assert.equal(now.decrypt(KEY, now.encrypt(KEY, VALUE)).isStale, false);
  // Back to the plain value: everything that is encrypted is to be written anew.
  const back = encryption(["[secrets]", `[{identity: {}}, ${keys("aesgcm", "b")}]`]);
  assert.equal(back.decrypt(KEY, now.encrypt(KEY, VALUE)).isStale, true);
  assert.equal(back.encrypt(KEY, VALUE), VALUE);
});

const RULES = encryption(
  ['[secrets, "deployments.apps"]', `[${keys("aesgcm", "a")}]`],
  ['["*.batch"]', `[${keys("aesgcm", "b")}]`],
  ['["events.batch", "*."]', `[${keys("aesgcm", "c")}]`],
  ["[boats.example.com]", "[{identity: {}}]"],
  ['["*.*"]', `[${keys("aesgcm", "d")}]`],
);

for (const [key, name] of [
  ["/registry/core/secrets/ns/s", "a"],
  ["/registry/apps/deployments/ns/d", "a"],
  ["/registry/apps/secrets/ns/d", "d"],
  ["/registry/batch/jobs/ns/j", "b"],
  ["/registry/batch/events/ns/j", "b"],
  ["/registry/core/nodes/n", "c"],
  ["/registry/example.com/boats/ns/b", undefined],
  ["/registry/example.com/masts/ns/b", "d"],
] as const) {
  test(`the first rule that names it counts for ${key}`, () => {
    const found = Buffer.from(RULES.encrypt(key, VALUE)).toString("latin1");
    assert.equal(/^k8s:enc:aesgcm:v1:(\w):/.exec(found)?.[1], name);
  });
}

test("what cannot be read is told by its key, and what to do", () => {
  const a = encryption(["[secrets]", `[${keys("aesgcm", "a")}]`]);
  const b = encryption(["[secrets]", `[${keys("aesgcm", "b")}]`]);
  const none = encryption(["[configmaps]", `[${keys("aesgcm", "a")}]`]);
  const bytes = a.encrypt(KEY, VALUE);
  const known =
    /\/registry\/core\/secrets\/ns\/s is encrypted by aesgcm key "a", which no provider for it has/;
  assert.throws(() => b.decrypt(KEY, bytes), known);
  assert.throws(() => none.decrypt(KEY, bytes), known);
  assert.throws(() => a.decrypt(KEY, VALUE), /secrets\/ns\/s is not encrypted, and .* identity/);
  // Under another name, or with another byte.
  const moved = /other cannot be decrypted by aesgcm key "a": the key is another one, or/;
  assert.throws(() => a.decrypt("/registry/core/secrets/ns/other", bytes), moved);
  const changed = Buffer.from(bytes);
  changed[changed.length - 20] = (changed[changed.length - 20] ?? 0) ^ 1;
  assert.throws(() => a.decrypt(KEY, changed), /cannot be decrypted/);
});

test("reads kube-apiserver's values: a vector of AES-CBC made with OpenSSL's tool", () => {
  const value = Buffer.concat([Buffer.from("k8s:enc:aescbc:v1:a:"), CBC_VECTOR]);
  const { decrypt } = bound(encryption(["[secrets]", `[${keys("aescbc", "a")}]`]));
  assert.equal(Buffer.from(decrypt(KEY, value).value).toString(), '{"a":1}');
});

const CBC_VECTOR = Buffer.from(`${"01".repeat(16)}d6e133ea3ef0ded444434d105910ff2a`, "hex");

const MISTAKES: readonly (readonly [string, string, RegExp])[] = [
  [
    "a key of the wrong length",
    `[{resources: [secrets], providers: [{aesgcm: {keys: [{name: a, secret: ${secret(1, 20)}}]}}]}]`,
    /^c: line 3: resources\[0\].providers\[0\].aesgcm.keys\[0\].secret: .*has 20 bytes, and must have 16, 24 or 32/,
  ],
  [
    "no base64",
    "[{resources: [secrets], providers: [{aescbc: {keys: [{name: a, secret: '???'}]}}]}]",
    /secret: Invalid value: must be base64$/,
  ],
  [
    "a provider that is not there",
    `[{resources: [secrets], providers: [{secretbox: {keys: []}}]}]`,
    /providers\[0\].secretbox: this provider is not supported; use aesgcm, aescbc or identity/,
  ],
  [
    "two providers in one",
    `[{resources: [secrets], providers: [{identity: {}, aesgcm: {keys: [{name: a, secret: ${secret(1)}}]}}]}]`,
    /providers\[0\]: must have exactly one of/,
  ],
  ["no providers", "[{resources: [secrets], providers: []}]", /providers: Required value/],
  [
    "a star alone",
    "[{resources: ['*'], providers: [{identity: {}}]}]",
    /use "\*\.\*" for everything/,
  ],
  [
    "a key twice",
    `[{resources: [secrets], providers: [${keys("aesgcm", "a", "a")}]}]`,
    /keys\[1\]: name: Duplicate value: "a"/,
  ],
];

for (const [name, resources, message] of MISTAKES) {
  test(`parseEncryptionConfig refuses ${name}`, () => {
    assert.throws(() => parseEncryptionConfig("c", file(resources)), {
      name: "ConfigError",
      message,
    });
  });
}

test("a write of the same value is no vain one while it is kept in the old way", async () => {
  const inner = new MemoryStore(systemClock);
  await inner.write([{ kind: "put", key: KEY, value: VALUE }]);
  const rule = ["[secrets]", `[${keys("aesgcm", "a")}, {identity: {}}]`] as const;
  const store = new EncryptedStore(inner, encryption(rule));
  await store.range("/registry/");
  assert.equal(store.isStale(KEY), true);
  await store.write([{ kind: "put", key: KEY, value: VALUE }]);
  assert.equal(store.isStale(KEY), false);
  assert.deepEqual(Buffer.from((await store.get(KEY))?.value ?? []), VALUE);
  assert.equal(store.isStale(KEY), false);
  await store.close();
});
