/** Secrets lie encrypted in the store, and keys are changed as Kubernetes' pages say. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "#lib/system-clock";
import { systemRandom } from "#lib/system-random";
import { parseEncryptionConfig } from "../../apiserver/encryption/config.ts";
import { EncryptedStore } from "../../apiserver/encryption/encrypted-store.ts";
import { Encryption } from "../../apiserver/encryption/encryption.ts";
import type { MemoryStore } from "../../apiserver/storage/memory/memory-store.ts";
import { startTestServer } from "../harness/api-server.ts";
import { KeptStore } from "../harness/kept-store.ts";
import { type Kubectl, kubectl } from "../harness/kubectl.ts";

const TIMEOUT = { timeout: 60_000 };
const KEY = "/registry/core/secrets/default/s";

function encryptedBy(inner: MemoryStore, ...names: readonly string[]): EncryptedStore {
  const keys = names.map((name) => {
    const secret = Buffer.alloc(32, name).toString("base64");
    return `{aesgcm: {keys: [{name: ${name}, secret: ${secret}}]}}`;
  });
  const text = `{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{resources: [secrets], providers: [${keys.join(", ")}, {identity: {}}]}]}`;
  return new EncryptedStore(inner, new Encryption(parseEncryptionConfig("c", text), systemRandom));
}

async function served(store: MemoryStore | EncryptedStore, step: (k: Kubectl) => Promise<void>) {
  await using server = await startTestServer({ store });
  await step(await kubectl(server.kubeconfig, server.directory));
}

const HUSH = Buffer.from("hush").toString("base64");

test(
  "secrets are encrypted, rewritten with a new key, and readable throughout",
  TIMEOUT,
  async (t) => {
    const inner = new KeptStore(systemClock);
    t.after(() => inner.end());
    const read = async (k: Kubectl): Promise<void> => {
      assert.equal(await k.ok(["get", "secret", "s", "-o", "jsonpath={.data.a}"]), HUSH);
    };
    const rewrite = async (k: Kubectl): Promise<void> => {
      const all = await k.ok(["get", "secrets", "-A", "-o", "json"]);
      await k.ok(["replace", "-f", "-"], { input: all });
    };
    await served(inner, async (k) => {
      await k.ok(["create", "secret", "generic", "s", "--from-literal=a=hush"]);
      await k.ok(["create", "configmap", "c", "--from-literal=a=hush"]);
    });
    assert.ok((await inner.raw(KEY)).includes(HUSH));
    await served(encryptedBy(inner, "one"), async (k) => {
      await read(k);
      assert.ok((await inner.raw(KEY)).includes(HUSH));
      await rewrite(k);
      assert.match(await inner.raw(KEY), /^k8s:enc:aesgcm:v1:one:/);
      assert.ok(!(await inner.raw(KEY)).includes(HUSH));
      const before = await inner.raw(KEY);
      // Written as it should be, it is left alone.
      await rewrite(k);
      assert.equal(await inner.raw(KEY), before);
      await read(k);
    });
    await served(encryptedBy(inner, "two", "one"), async (k) => {
      await read(k);
      await rewrite(k);
      await k.ok(["get", "secret", "s", "-o", "jsonpath={.metadata.resourceVersion}"]);
    });
    assert.match(await inner.raw(KEY), /^k8s:enc:aesgcm:v1:two:/);
    await served(encryptedBy(inner, "two"), read);
  },
);

test("a server without the key says which object it cannot read", TIMEOUT, async (t) => {
  const inner = new KeptStore(systemClock);
  t.after(() => inner.end());
  await served(encryptedBy(inner, "one"), async (k) => {
    await k.ok(["create", "secret", "generic", "s", "--from-literal=a=hush"]);
  });
  await assert.rejects(startTestServer({ store: encryptedBy(inner, "two") }), {
    message: `${KEY} is encrypted by aesgcm key "one", which no provider for it has: add that key again, not as the first one`,
  });
  await assert.rejects(startTestServer({ store: inner }), {
    name: "ConfigError",
    message: `${KEY} in the store is not JSON; if it was encrypted, give the same --encryption-provider-config again`,
  });
});
