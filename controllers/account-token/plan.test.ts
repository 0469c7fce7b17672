import assert from "node:assert/strict";
import { test } from "node:test";
import type { Secret, ServiceAccount } from "#proto/core/v1";
import { accountNameOf, filled, planTokenSecret, TOKEN_TYPE } from "./plan.ts";

const NAME = "kubernetes.io/service-account.name";
const UID = "kubernetes.io/service-account.uid";
const account = { metadata: { name: "a", namespace: "ns", uid: "1" } } as ServiceAccount;
const asked = {
  metadata: { name: "s", namespace: "ns", uid: "9", annotations: { [NAME]: "a" } },
  type: TOKEN_TYPE,
} as unknown as Secret;
const whole = filled(asked, account, { authority: "CA", token: "T" });

test("planTokenSecret() fills what asks, repairs what is changed, and removes what has lost its account", () => {
  const other = { metadata: { ...account.metadata, uid: "2" } } as ServiceAccount;
  const cut = { ...whole, data: { ...whole.data, "ca.crt": "" } };
  const going = {
    ...asked,
    metadata: { ...asked.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" },
  };
  const table = [
    [asked, account, { do: "fill", needsToken: true }],
    [whole, account, { do: "nothing" }],
    [cut, account, { do: "fill", needsToken: false }],
    [whole, other, { do: "remove" }],
    [asked, undefined, { do: "remove" }],
    [going, account, { do: "nothing" }],
  ] as const;
  for (const [secret, owner, plan] of table)
    assert.deepEqual(planTokenSecret(secret, owner, "CA"), plan);
});

test("filled() has Kubernetes' keys", () => {
  assert.deepEqual(whole.data, { "ca.crt": "Q0E=", namespace: "bnM=", token: "VA==" });
  assert.equal(whole.metadata.annotations?.[UID], "1");
});

test("accountNameOf() knows Secrets by their type", () => {
  assert.equal(accountNameOf(asked), "a");
  assert.equal(accountNameOf({ ...asked, type: "Opaque" }), undefined);
});
