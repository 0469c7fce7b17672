import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client } from "#client";
import { silentLogger } from "#lib/logger";
import { seededRandom, VirtualClock } from "#lib/testing/virtual-clock";
import type { TokenRequest } from "#proto/authentication/v1";
import type { Pod } from "#proto/core/v1";
import { PodTokens } from "./pod-tokens.ts";

const LIFE_SECONDS = 1000;
const sources = [
  { serviceAccountToken: { path: "a", expirationSeconds: LIFE_SECONDS } },
  { serviceAccountToken: { path: "b", expirationSeconds: LIFE_SECONDS } },
];
const pod = {
  metadata: { name: "p", namespace: "ns", uid: "u" },
  spec: { serviceAccountName: "robot", volumes: [{ name: "t", projected: { sources } }] },
} as unknown as Pod;
const wanted = { path: "a", expirationSeconds: LIFE_SECONDS };

function world() {
  const clock = new VirtualClock();
  const asked: TokenRequest["spec"][] = [];
  const state = { isDown: false };
  const client = {
    createSubresource: async (_: unknown, __: unknown, ___: string, { spec }: TokenRequest) => {
      if (state.isDown) throw new Error("no answer");
      asked.push(spec);
      const endMs = clock.nowMs() + LIFE_SECONDS * 1000;
      const expirationTimestamp = new Date(endMs).toISOString();
      return { status: { token: `token ${asked.length}`, expirationTimestamp } };
    },
  } as unknown as Client;
  const options = { client, clock, random: seededRandom(1), logger: silentLogger };
  return { clock, asked, state, tokens: new PodTokens(options) };
}

test("a token is asked for once, bound to its pod, and renewed at four fifths of its life", async () => {
  const { asked, clock, tokens } = world();
  let changes = 0;
  await tokens.follow(pod, () => void changes++);
  assert.deepEqual(asked, [
    {
      audiences: [],
      expirationSeconds: LIFE_SECONDS,
      boundObjectRef: { apiVersion: "v1", kind: "Pod", name: "p", uid: "u" },
    },
  ]);
  assert.equal(tokens.token("u", wanted), "token 1");
  await clock.advance(799_000);
  assert.equal(tokens.token("u", wanted), "token 1");
  await clock.advance(2_000);
  assert.deepEqual([tokens.token("u", wanted), changes], ["token 2", 1]);
  tokens.unfollow("u");
  await clock.advance(10_000_000);
  assert.equal(asked.length, 2);
});

test("what fails is tried again, and the old token serves meanwhile", async () => {
  const { clock, state, tokens } = world();
  state.isDown = true;
  await tokens.follow(pod, () => {});
  assert.throws(() => tokens.token("u", wanted), /failed to fetch token: no answer/);
  state.isDown = false;
  await clock.advance(3_000);
  assert.equal(tokens.token("u", wanted), "token 1");
  state.isDown = true;
  await clock.advance(850_000);
  assert.equal(tokens.token("u", wanted), "token 1");
  state.isDown = false;
  await clock.advance(120_000);
  assert.equal(tokens.token("u", wanted), "token 2");
  tokens.close();
});
