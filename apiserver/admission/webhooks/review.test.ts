import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "#lib/json";
import { deployments } from "#resources";
import type { AdmissionRequest } from "../../chain/steps.ts";
import { type Asked, rejection, reviewOf, verdictOf } from "./review.ts";

const ASKED: Asked = { uid: "u1", version: "v1", isMutating: true };
const PATCH = Buffer.from("[]").toString("base64");

function answer(response: JsonObject, fields: JsonObject = {}): string {
  return JSON.stringify({
    kind: "AdmissionReview",
    apiVersion: "admission.k8s.io/v1",
    response: { uid: "u1", allowed: true, ...response },
    ...fields,
  });
}

test("a review tells what is asked, as the client asked it", () => {
  const scale = { kind: "Scale", apiVersion: "autoscaling/v1" };
  const request: AdmissionRequest = {
    user: { name: "eve", groups: ["devs"], extra: { scopes: ["a"] } },
    operation: "UPDATE",
    resource: deployments,
    subresource: "scale",
    namespace: "ns",
    name: "d",
    object: scale,
    oldObject: scale,
    dryRun: true,
    options: () => ({ kind: "UpdateOptions" }),
  };
  const kind = { group: "autoscaling", version: "v1", kind: "Scale" };
  const resource = { group: "apps", version: "v1", resource: "deployments" };
  assert.deepEqual(reviewOf(request, ASKED), {
    kind: "AdmissionReview",
    apiVersion: "admission.k8s.io/v1",
    request: {
      uid: "u1",
      kind,
      resource,
      subResource: "scale",
      requestKind: kind,
      requestResource: resource,
      requestSubResource: "scale",
      name: "d",
      namespace: "ns",
      operation: "UPDATE",
      userInfo: { username: "eve", groups: ["devs"], extra: { scopes: ["a"] } },
      dryRun: true,
      options: { kind: "UpdateOptions" },
      object: scale,
      oldObject: scale,
    },
  });
});

const INVALID: readonly (readonly [string, string, boolean])[] = [
  ["{", "couldn't parse the response", true],
  ["[]", "the response is not a JSON object", true],
  ["{}", "webhook response was absent", true],
  [answer({ uid: "u2" }), 'expected response.uid="u1", got "u2"', true],
  [
    answer({}, { apiVersion: "v1" }),
    "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got v1, Kind=AdmissionReview",
    true,
  ],
  [answer({ patch: PATCH }), "webhook returned response.patch but not response.patchType", true],
  [
    answer({ patchType: "JSONPatch" }),
    "webhook returned response.patchType but not response.patch",
    true,
  ],
  [answer({ patch: PATCH, patchType: "Merge" }), 'unsupported patch type "Merge"', true],
  [
    answer({ patch: PATCH, patchType: "JSONPatch" }),
    "validating webhook may not return response.patch",
    false,
  ],
];

test("an answer that is not as the protocol says is none", () => {
  for (const [text, expected, isMutating] of INVALID)
    assert.throws(
      () => verdictOf(text, { ...ASKED, isMutating }),
      (error: Error) => error.name === "InvalidAnswer" && error.message.startsWith(expected),
      expected,
    );
});

test("an answer holds a verdict, warnings and a patch", () => {
  const auditAnnotations = { seen: "yes" };
  const told = { patch: PATCH, patchType: "JSONPatch", warnings: ["w"], auditAnnotations };
  assert.deepEqual(verdictOf(answer(told), ASKED), {
    allowed: true,
    warnings: ["w"],
    auditAnnotations,
    patch: "[]",
    status: {},
  });
  // The older version says less of itself.
  const old = JSON.stringify({ response: { allowed: true, patch: PATCH } });
  assert.equal(verdictOf(old, { ...ASKED, version: "v1beta1" }).patch, "[]");
  const silent = verdictOf(answer({ allowed: undefined as unknown as boolean }), ASKED);
  assert.equal(silent.allowed, false);
});

const DENIED = 'admission webhook "h" denied the request';
const REJECTED: readonly (readonly [JsonObject, number, string, string])[] = [
  [{}, 400, "", `${DENIED} without explanation`],
  [{ message: "no" }, 400, "", `${DENIED}: no`],
  [{ reason: "Forbidden", code: 403 }, 403, "Forbidden", `${DENIED}: Forbidden`],
  [{ message: "pay", code: 402, reason: "Broke" }, 402, "Broke", `${DENIED}: pay`],
  // A refusal is never a success.
  [{ message: "no", code: 200 }, 400, "", `${DENIED}: no`],
];

test("a refusal is passed on in its own words and code", () => {
  for (const [status, code, reason, message] of REJECTED) {
    const error = rejection("h", status);
    assert.equal(error.message, message);
    assert.deepEqual(error.foreign, { code, reason });
  }
});
