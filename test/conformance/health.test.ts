/** Health endpoints as kubectl and probes see them. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { systemClock } from "#lib/system-clock";
import { MemoryStore } from "../../apiserver/storage/memory/memory-store.ts";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { type Kubectl, kubectl } from "../harness/kubectl.ts";

const TIMEOUT = { timeout: 60_000 };

/** A store that can be out of reach. */
class FailingStore extends MemoryStore {
  isReachable = true;

  override revision(): Promise<number> {
    if (this.isReachable) return super.revision();
    return Promise.reject(new Error("no route to the secret host"));
  }
}

let server: TestServer;
let k: Kubectl;
const store = new FailingStore(systemClock);
const stopping = new AbortController();

before(async () => {
  server = await startTestServer({ store, stopping: stopping.signal });
  k = await kubectl(server.kubeconfig, server.directory);
}, TIMEOUT);

after(async () => {
  await server[Symbol.asyncDispose]();
}, TIMEOUT);

const raw = (path: string) => k.run(["get", "--raw", path]);

test("each check is told, by its name, and asked alone", TIMEOUT, async () => {
  assert.equal((await raw("/livez")).stdout, "ok");
  assert.equal(
    (await raw("/livez?verbose")).stdout,
    "[+]ping ok\n[+]log ok\n[+]etcd ok\nlivez check passed\n",
  );
  assert.equal(
    (await raw("/readyz?verbose&exclude=etcd")).stdout,
    "[+]ping ok\n[+]log ok\n[+]etcd excluded: ok\n[+]informer-sync ok\n[+]shutdown ok\nreadyz check passed\n",
  );
  assert.equal((await raw("/readyz/informer-sync")).stdout, "ok");
  assert.equal((await raw("/healthz/etcd")).stdout, "ok");
  // It counts for readiness alone.
  assert.match((await raw("/livez/shutdown")).stderr, /could not find the requested resource/);
  assert.match((await raw("/readyz/moon")).stderr, /could not find the requested resource/);
});

test("a store out of reach fails the checks, unless it is excluded", TIMEOUT, async () => {
  store.isReachable = false;
  try {
    const failed = await raw("/readyz");
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /\[-\]etcd failed: reason withheld\\n.*readyz check failed/);
    assert.doesNotMatch(failed.stderr, /secret host/);
    const alone = await raw("/livez/etcd");
    assert.match(alone.stderr, /internal server error: etcd failed: reason withheld/);
    assert.equal((await raw("/livez?exclude=etcd")).stdout, "ok");
  } finally {
    store.isReachable = true;
  }
});

test("whoever is nobody learns whether all is well, and no single check", TIMEOUT, async () => {
  const anonymous = ["--as=system:anonymous", "--as-group=system:unauthenticated"];
  assert.equal((await k.run(["get", "--raw", "/readyz?verbose", ...anonymous])).code, 0);
  const refused = await k.run(["get", "--raw", "/readyz/etcd", ...anonymous]);
  assert.match(refused.stderr, /User "system:anonymous" cannot get path "\/readyz\/etcd"/);
  const monitoring = ["--as=prometheus", "--as-group=system:monitoring"];
  assert.equal((await k.run(["get", "--raw", "/readyz/etcd", ...monitoring])).stdout, "ok");
});

test("a server that ends is alive and not ready", TIMEOUT, async () => {
  stopping.abort();
  assert.match((await raw("/readyz")).stderr, /\[-\]shutdown failed: reason withheld/);
  assert.equal((await raw("/livez")).stdout, "ok");
});
