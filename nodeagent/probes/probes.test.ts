import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { systemClock } from "#lib/system-clock";
import { VirtualClock } from "#lib/testing/virtual-clock";
import { check } from "./check.ts";
import { runProbe } from "./probe-loop.ts";

const container = { name: "c", resources: {}, ports: [{ name: "web", containerPort: 1 }] };
const noExec = () => Promise.reject(new Error("no exec"));

test("check judges HTTP answers", async () => {
  const server = createServer((request, response) => {
    response.statusCode = request.url === "/good" ? 204 : 500;
    response.end(request.headers["x-test"] ?? "");
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const target = { container, podIp: "127.0.0.1", exec: noExec };
  const get = (path: string) => check({ httpGet: { path, port } }, target, systemClock, 2000);
  assert.deepEqual(await get("/good"), { isGood: true, message: "" });
  assert.deepEqual(await get("/bad"), {
    isGood: false,
    message: "HTTP probe failed with statuscode: 500",
  });
  assert.equal((await check({ tcpSocket: { port } }, target, systemClock, 2000)).isGood, true);
  server.close();
  assert.match(
    (await check({ tcpSocket: { port } }, target, systemClock, 2000)).message,
    /ECONNREFUSED/,
  );
});

test("check finds ports by name, and times out", async () => {
  const target = { container, podIp: "127.0.0.1", exec: () => new Promise<never>(() => {}) };
  const clock = new VirtualClock();
  const unknown = await check({ httpGet: { port: "none" } }, target, clock, 1000);
  assert.match(unknown.message, /no port named "none"/);
  const slow = check({ exec: { command: ["x"] } }, target, clock, 1000);
  await clock.advance(1000);
  assert.equal((await slow).isGood, false);
});

/** When the verdicts come, in seconds. */
async function verdicts(answers: readonly boolean[], probe: object): Promise<readonly string[]> {
  const clock = new VirtualClock(0);
  const stop = new AbortController();
  const told: string[] = [];
  let at = 0;
  const loop = runProbe({
    probe,
    clock,
    startedAtMs: 0,
    signal: stop.signal,
    try: async () => ({ isGood: answers[at++] ?? true, message: "" }),
    failed: () => {},
    verdict: (isGood) => {
      told.push(`${clock.nowMs() / 1000} ${isGood}`);
      return isGood;
    },
  });
  await clock.advance(60_000);
  stop.abort();
  await loop;
  return told;
}

test("runProbe keeps its pace and counts in a row", async () => {
  const probe = {
    initialDelaySeconds: 5,
    periodSeconds: 10,
    failureThreshold: 2,
    successThreshold: 1,
  };
  assert.deepEqual(await verdicts([true, false, true, false, false], probe), [
    "5 true",
    "25 true",
    "45 false",
  ]);
});
