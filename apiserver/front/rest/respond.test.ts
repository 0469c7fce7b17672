import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:https";
import { test } from "node:test";
import { startTestServer } from "../../../test/harness/api-server.ts";

test("answers are indented for people, and not for programs", { timeout: 20_000 }, async () => {
  await using server = await startTestServer();
  const { admin, authority } = server;
  const ask = async (query: string, agent: string): Promise<string> => {
    const url = `https://127.0.0.1:${server.server.restPort}/api/v1/namespaces/default${query}`;
    const asking = request(url, {
      headers: { "user-agent": agent },
      ca: authority.certificate,
      cert: admin.certificate,
      key: admin.key,
    });
    asking.end();
    const [response] = await once(asking, "response");
    return Buffer.concat(await response.toArray()).toString();
  };
  const isIndented = async (query: string, agent = "kubectl/v1.35"): Promise<boolean> => {
    const text = await ask(query, agent);
    assert.equal(JSON.parse(text).metadata.name, "default");
    return text.startsWith('{\n  "apiVersion": "v1",\n');
  };
  assert.equal(await isIndented(""), false);
  assert.equal(await isIndented("?pretty=true"), true);
  assert.equal(await isIndented("", "curl/8.0"), true);
  assert.equal(await isIndented("?pretty=false", "curl/8.0"), false);
});
