/** Clients that leave in the middle must cost the server nothing but their own request. */
import assert from "node:assert/strict";
import { connect } from "node:http2";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import type { Transport } from "#client";
import { configMaps } from "#resources";
import { startTestServer, type TestServer } from "../harness/api-server.ts";

const ROUNDS = 30;

test("a server outlives clients that break off", { timeout: 60_000 }, async () => {
  await using t = await startTestServer();
  for (let round = 0; round < ROUNDS; round++) {
    await breakOffHttp2(t, "/api/v1/pods?watch=true");
    await breakOffHttp2(t, "/api/v1/configmaps");
    await breakOffHttp1(t, "GET /api/v1/pods?watch=true HTTP/1.1\r\nhost: x\r\n\r\n");
    await breakOffHttp1(t, "POST /api/v1/pods HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{");
    await breakOffHttp1(
      t,
      "GET /api/v1/namespaces/default/pods/x/exec?command=a HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    );
  }
  const api: Transport = t.server.core.as({ name: "admin", groups: ["system:masters"] });
  const { items } = await api.list({ resource: configMaps, namespace: "default" });
  assert.deepEqual(items, []);
});

function tls({ authority, admin, server }: TestServer) {
  return {
    ca: authority.certificate,
    cert: admin.certificate,
    key: admin.key,
    host: "127.0.0.1",
    port: server.restPort,
  };
}

function breakOffHttp2(t: TestServer, path: string): Promise<void> {
  return new Promise((resolve) => {
    const session = connect(`https://127.0.0.1:${t.server.restPort}`, tls(t));
    session.on("error", () => {});
    const stream = session.request({ ":path": path });
    stream.on("error", () => {});
    stream.once("response", () => session.destroy());
    session.once("close", resolve);
  });
}

function breakOffHttp1(t: TestServer, text: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connectTls({ ...tls(t), ALPNProtocols: ["http/1.1"] }, () => {
      socket.write(text);
      setTimeout(() => socket.destroy(), 5);
    });
    socket.on("error", () => {});
    socket.once("close", () => resolve());
  });
}
