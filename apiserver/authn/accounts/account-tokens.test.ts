/** Tokens over time, and what they cost. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { SignJWT } from "jose";
import { signingKey } from "#lib/signing-key";
import { seededRandom, VirtualClock } from "#lib/testing/virtual-clock";
import { type Resource, secrets, serviceAccounts } from "#resources";
import { Published } from "../../chain/published.ts";
import type { Reader } from "../../chain/steps.ts";
import { TokenAuthenticators } from "../token-authenticator.ts";
import { AccountTokens } from "./account-tokens.ts";

const ISSUER = "https://issuer.example";
const pem = (type: "ec" | "rsa"): string => {
  const { privateKey } =
    type === "ec"
      ? generateKeyPairSync("ec", { namedCurve: "P-256" })
      : generateKeyPairSync("rsa", { modulusLength: 2048 });
  return privateKey.export({ type: "pkcs8", format: "pem" }) as string;
};
const claims = { namespace: "ns", serviceaccount: { name: "a", uid: "1" } };

function world(type: "ec" | "rsa" = "ec") {
  const clock = new VirtualClock();
  const key = signingKey(pem(type));
  const tokens = new AccountTokens({ issuer: ISSUER, key, clock, random: seededRandom(1) });
  const objects = new Map<string, object>([["serviceaccounts/ns/a", { metadata: { uid: "1" } }]]);
  const find = ({ plural }: Resource, namespace: string | undefined, name: string) => {
    const object = objects.get(`${plural}/${namespace}/${name}`);
    return object === undefined ? undefined : Published.unsaved(object as never);
  };
  const reader = { known: find, get: async (...args: Parameters<typeof find>) => find(...args) };
  const all = new TokenAuthenticators(
    [tokens.authenticator(reader as unknown as Reader)],
    tokens.audiences,
  );
  return { clock, key, tokens, objects, all };
}

test("a token is valid from its first second to its last, also once it is known", async () => {
  const { all, clock, tokens } = world();
  const { token } = await tokens.issue(claims, [ISSUER], 600);
  assert.equal((await all.user(token)).name, "system:serviceaccount:ns:a");
  await clock.advance(599_000);
  await all.user(token);
  await clock.advance(2_000);
  await assert.rejects(all.user(token), { reason: "Unauthorized" });
});

test("a token that is not valid yet is refused, and not remembered as such", async () => {
  const { all, clock, key } = world();
  const seconds = Math.floor(clock.nowMs() / 1000);
  const token = await new SignJWT({ "kubernetes.io": claims })
    .setProtectedHeader({ alg: "ES256", kid: key.id })
    .setIssuer(ISSUER)
    .setAudience(ISSUER)
    .setSubject("system:serviceaccount:ns:a")
    .setNotBefore(seconds + 60)
    .setExpirationTime(seconds + 600)
    .sign(key.privateKey);
  await assert.rejects(all.user(token), { reason: "Unauthorized" });
  await clock.advance(61_000);
  await all.user(token);
});

test("a token of a key of RSA is recognised as well", async () => {
  const { all, tokens } = world("rsa");
  const { token } = await tokens.issue(claims, [ISSUER], 600);
  await all.user(token);
});

test("a legacy token is as alive as the Secret that holds it", async () => {
  const { all, key, objects } = world();
  const legacy = "kubernetes/serviceaccount";
  const token = await new SignJWT({
    [`${legacy}/namespace`]: "ns",
    [`${legacy}/secret.name`]: "s",
    [`${legacy}/service-account.name`]: "a",
    [`${legacy}/service-account.uid`]: "1",
  })
    .setProtectedHeader({ alg: "ES256", kid: key.id })
    .setIssuer(legacy)
    .setSubject("system:serviceaccount:ns:a")
    .sign(key.privateKey);
  await assert.rejects(all.user(token), { reason: "Unauthorized" });
  const data = { token: Buffer.from(token).toString("base64") };
  objects.set(`${secrets.plural}/ns/s`, { metadata: { uid: "9" }, data });
  await all.user(token);
  objects.set(`${secrets.plural}/ns/s`, { metadata: { uid: "9" }, data: { token: "bm8=" } });
  await assert.rejects(all.user(token), { reason: "Unauthorized" });
});

test("an account of the same name is not the same account", async () => {
  const { all, objects, tokens } = world();
  const { token } = await tokens.issue(claims, [ISSUER], 600);
  objects.set(`${serviceAccounts.plural}/ns/a`, { metadata: { uid: "2" } });
  await assert.rejects(all.user(token), { reason: "Unauthorized" });
});
