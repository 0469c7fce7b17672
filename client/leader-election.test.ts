import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "#lib/logger";
import { VirtualClock } from "#lib/testing/virtual-clock";
import { leases } from "#resources";
import { Client } from "./client.ts";
import { runAsLeader } from "./leader-election.ts";
import { FakeTransport } from "./testing/fake-transport.ts";

const LEASE = { namespace: "kube-system", name: "test" };

/** Candidates over one store, each with a connection of its own that can break. */
function contest() {
  const clock = new VirtualClock();
  const server = new FakeTransport();
  const leading: string[] = [];
  const candidate = (identity: string) => {
    let isCut = false;
    const transport = new Proxy(server, {
      get: (target, verb) => {
        const call = Reflect.get(target, verb) as (...rest: unknown[]) => unknown;
        if (isCut) return () => server.get({ resource: leases, name: "no such lease" });
        return call.bind(target);
      },
    });
    const stop = new AbortController();
    const options = {
      client: new Client(transport),
      clock,
      logger: silentLogger,
      ...LEASE,
      identity,
    };
    const running = runAsLeader(
      options,
      async (signal) => {
        leading.push(identity);
        await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
        leading.splice(leading.indexOf(identity), 1);
      },
      stop.signal,
    );
    return {
      cut: () => {
        isCut = true;
      },
      join: () => {
        isCut = false;
      },
      stop: async () => {
        stop.abort();
        await running;
      },
    };
  };
  return { candidate, clock, leading, client: new Client(server) };
}

test("runAsLeader() lets one lead at a time", async () => {
  const { candidate, clock, leading } = contest();
  const a = candidate("a");
  await clock.advance(100);
  const b = candidate("b");
  for (let at = 0; at < 60; at++) {
    await clock.advance(1000);
    assert.deepEqual(leading, ["a"]);
  }
  await Promise.all([a.stop(), b.stop()]);
});

test("runAsLeader() hands over within seconds when the leader ends", async () => {
  const { candidate, clock, leading, client } = contest();
  const a = candidate("a");
  await clock.advance(100);
  const b = candidate("b");
  await clock.advance(5000);
  await a.stop();
  await clock.advance(3000);
  assert.deepEqual(leading, ["b"]);
  assert.equal((await client.get(leases, LEASE)).spec.leaseTransitions, 1);
  await b.stop();
});

test("runAsLeader() never lets two lead when the leader is cut off, and takes over after its lease", async () => {
  const { candidate, clock, leading } = contest();
  const a = candidate("a");
  await clock.advance(100);
  const b = candidate("b");
  await clock.advance(5000);
  a.cut();
  for (let at = 0; at < 40; at++) {
    await clock.advance(500);
    assert.ok(leading.length <= 1, `${leading} lead`);
  }
  assert.deepEqual(leading, ["b"]);
  a.join();
  await clock.advance(30_000);
  assert.deepEqual(leading, ["b"]);
  await Promise.all([a.stop(), b.stop()]);
});
