import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "#client";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import { configMaps } from "#resources";
import { grpcTransport } from "../../../client/transport/grpc.ts";
import { startTestServer } from "../../../test/harness/api-server.ts";

const KEY = { namespace: "default", name: "m" };

test("our own programs apply too, and never see managed fields", { timeout: 30_000 }, async () => {
  await using server = await startTestServer();
  const { certificate, key } = await server.credential("system:test", ["system:masters"]);
  const transport = grpcTransport({
    address: `127.0.0.1:${server.server.grpcPort}`,
    authority: server.authority.certificate,
    certificate,
    key,
  });
  try {
    const client = new Client(transport);
    const apply = (data: JsonObject, fieldManager: string, force = false) => {
      const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "m" }, data };
      return client.patch(configMaps, KEY, { type: "apply", body, force }, { fieldManager });
    };
    const made = await apply({ a: "1" }, "one");
    assert.equal("managedFields" in made.metadata, false);
    await client.update(configMaps, { ...made, data: { a: "2" } });
    await assert.rejects(apply({ a: "1" }, "one"), (error: StatusError) => {
      assert.ok(StatusError.is(error, "Conflict"));
      assert.equal(error.details?.causes?.[0]?.field, ".data.a");
      assert.match(error.message, /conflict with "test" using v1/);
      return true;
    });
    assert.deepEqual((await apply({ a: "1" }, "one", true)).data, { a: "1" });
  } finally {
    transport.close();
  }
});
