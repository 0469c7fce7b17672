import assert from "node:assert/strict";
import { test } from "node:test";
import type { User } from "../chain/steps.ts";
import { type OidcSettings, userOf } from "./oidc.ts";

const ISSUER = "https://issuer.example";
const settings: OidcSettings = { issuerUrl: ISSUER, clientId: "c" };

test("userOf() makes names and groups as Kubernetes' flags say", () => {
  const all = "system:authenticated";
  const table: readonly (readonly [Partial<OidcSettings>, Record<string, unknown>, User])[] = [
    [{}, { sub: "1" }, { name: `${ISSUER}#1`, groups: [all] }],
    [{ usernamePrefix: "-" }, { sub: "1" }, { name: "1", groups: [all] }],
    [{ usernamePrefix: "o:" }, { sub: "1" }, { name: "o:1", groups: [all] }],
    [{ usernameClaim: "email" }, { email: "a@b" }, { name: "a@b", groups: [all] }],
    [
      { groupsClaim: "g", groupsPrefix: "o:" },
      { sub: "1", g: ["x", "y"] },
      { name: `${ISSUER}#1`, groups: ["o:x", "o:y", all] },
    ],
    [{ groupsClaim: "g" }, { sub: "1", g: "x" }, { name: `${ISSUER}#1`, groups: ["x", all] }],
    [{ groupsClaim: "g" }, { sub: "1" }, { name: `${ISSUER}#1`, groups: [all] }],
  ];
  for (const [given, claims, user] of table)
    assert.deepEqual(userOf(claims, { ...settings, ...given }), user);
});

test("userOf() refuses what is missing, unverified or otherwise", () => {
  const table: readonly (readonly [Partial<OidcSettings>, Record<string, unknown>, RegExp])[] = [
    [{}, {}, /no claim sub/],
    [{ usernameClaim: "email" }, { email: "a@b", email_verified: false }, /email not verified/],
    [{ requiredClaims: { hd: "b" } }, { sub: "1", hd: "c" }, /claim hd is not b/],
    [{ groupsClaim: "g" }, { sub: "1", g: [1] }, /claim g is no list of texts/],
  ];
  for (const [given, claims, message] of table)
    assert.throws(() => userOf(claims, { ...settings, ...given }), { name: "TokenError", message });
});
