import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { silentLogger } from "#lib/logger";
import { etcdEndpoints, openStore } from "./open-store.ts";
import { TestClock } from "./test-clock.ts";

it("opens the store that is named, and nothing else", async () => {
  const folder = mkdtempSync(join(tmpdir(), "naru-open-"));
  const options = { dataDir: join(folder, "store"), clock: new TestClock(), logger: silentLogger };
  try {
    await (await openStore("memory", options)).close();
    assert.equal(existsSync(options.dataDir), false);
    await (await openStore("embedded", options)).close();
    assert.equal(existsSync(options.dataDir), true);
    await assert.rejects(openStore("postgres", options), /datastore "postgres" is unknown/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it("takes the URLs of an etcd's members", () => {
  assert.deepEqual(etcdEndpoints("http://a:2379, http://b:2379/"), [
    "http://a:2379",
    "http://b:2379",
  ]);
  assert.throws(
    () => etcdEndpoints("http://a:2379,b:2379"),
    /"b:2379" is not an http or https URL/,
  );
  assert.throws(() => etcdEndpoints("http://a:2379,https://b:2379"), /mixes http and https/);
  assert.throws(() => etcdEndpoints("ftp://a:1"), /"ftp:\/\/a:1" is not/);
});
