import assert from "node:assert/strict";
import { test } from "node:test";
import { CLIENT_SIGNER, KUBELET_CLIENT_SIGNER } from "#lib/api/signers";
import type { RequestedCertificate } from "#lib/certificate-request";
import type { CertificateSigningRequest } from "#proto/certificates/v1";
import { planCertificate } from "./plan.ts";

const HOUR_MS = 3_600_000;
const MADE = "2026-01-01T00:00:00Z";
const MADE_MS = Date.parse(MADE);
const NODE = "system:node:n1";
const kubelets: RequestedCertificate = {
  ...{ commonName: NODE, organizations: ["system:nodes"], isOwn: true },
  ...{ dnsNames: [], ips: [], emails: [], uris: [] },
};
const KUBELET_USAGES = ["digital signature", "client auth"];

interface Case {
  readonly spec?: object;
  readonly status?: object;
  readonly asked?: Partial<RequestedCertificate>;
  readonly ageMs?: number;
}

function plan({ ageMs = 0, asked = {}, spec = {}, status = {} }: Case) {
  const request = {
    metadata: { name: "r", creationTimestamp: MADE },
    spec: { request: "", signerName: KUBELET_CLIENT_SIGNER, usages: KUBELET_USAGES, ...spec },
    status,
  } as unknown as CertificateSigningRequest;
  return planCertificate(request, async () => ({ ...kubelets, ...asked }), MADE_MS + ageMs);
}

function decided(type: string) {
  return { conditions: [{ type, status: "True", lastUpdateTime: MADE }] };
}

test("planCertificate() asks for rights over what looks like a node's own request alone", async () => {
  const rights = async (given: Case) => {
    const made = await plan(given);
    return made.do === "ask" ? made.rights : made.do;
  };
  const table: readonly (readonly [Case, unknown])[] = [
    [{ spec: { username: NODE } }, ["selfnodeclient", "nodeclient"]],
    [{ spec: { username: "system:bootstrap:abcdef" } }, ["nodeclient"]],
    [{ asked: { organizations: ["system:masters"] } }, "nothing"],
    [{ asked: { commonName: "root" } }, "nothing"],
    [{ asked: { dnsNames: ["n1"] } }, "nothing"],
    [{ spec: { usages: ["client auth"] } }, "nothing"],
    [{ spec: { usages: [...KUBELET_USAGES, "server auth"] } }, "nothing"],
    [{ spec: { signerName: CLIENT_SIGNER } }, "nothing"],
  ];
  for (const [given, expected] of table) assert.deepEqual(await rights(given), expected);
});

test("planCertificate() signs what is approved and fits its signer", async () => {
  const status = decided("Approved");
  assert.deepEqual(await plan({ status }), { do: "sign" });
  assert.deepEqual(await plan({ status, asked: { ips: ["10.0.0.1"] } }), {
    do: "fail",
    why: "IP subjectAltNames are not allowed",
  });
  const others = { signerName: "example.com/own" };
  assert.equal((await plan({ status, spec: others })).do, "nothing");
  for (const over of [decided("Denied"), { ...status, certificate: "eA==" }])
    assert.equal((await plan({ status: over })).do, "nothing");
});

test("planCertificate() removes what was answered after an hour, what waits after a day", async () => {
  const others = { signerName: "example.com/own" };
  const table: readonly (readonly [Case, number])[] = [
    [{ spec: others }, 24 * HOUR_MS],
    [{ spec: others, status: decided("Approved") }, HOUR_MS],
    [{ status: decided("Denied") }, HOUR_MS],
  ];
  for (const [given, keptMs] of table) {
    assert.deepEqual(await plan({ ...given, ageMs: keptMs - 1 }), { do: "nothing", dueMs: 1 });
    assert.deepEqual(await plan({ ...given, ageMs: keptMs }), { do: "remove" });
  }
});
