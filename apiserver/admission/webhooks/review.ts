/** AdmissionReview: the question to a webhook, and its answer. Pure. */
import type { JsonObject } from "#lib/json";
import { REASONS, type Reason, StatusError } from "#lib/status-error";
import { isObject } from "../../chain/object-meta.ts";
import type { VersionedRequest } from "../matching/in-version.ts";
import { requestValue } from "../matching/request-value.ts";

const KIND = "AdmissionReview";
const GROUP = "admission.k8s.io";

/** `v1beta1` is for webhooks that know no better; their answers are checked less. */
export type ReviewVersion = "v1" | "v1beta1";

/** What an answer is compared with. */
export interface Asked {
  readonly uid: string;
  readonly version: ReviewVersion;
  readonly isMutating: boolean;
}

export interface Verdict {
  readonly allowed: boolean;
  readonly warnings: readonly string[];
  readonly auditAnnotations: Readonly<Record<string, string>>;
  /** Why not: a metav1.Status, of which everything may be missing. */
  readonly status: JsonObject;
  /** A JSON patch, still as text. */
  readonly patch?: string;
}

/** The webhook answered, and not as the protocol says. */
export class InvalidAnswer extends Error {
  override readonly name = "InvalidAnswer";
}

export function reviewOf(request: VersionedRequest, { uid, version }: Asked): JsonObject {
  const { object = null, oldObject = null } = request;
  return {
    kind: KIND,
    apiVersion: `${GROUP}/${version}`,
    request: { uid, ...requestValue(request), object, oldObject },
  };
}

/** Throws InvalidAnswer. */
export function verdictOf(text: string, asked: Asked): Verdict {
  const review = parsed(text);
  const { response } = review;
  if (!isObject(response)) throw new InvalidAnswer("webhook response was absent");
  if (asked.version === "v1") checkEnvelope(review, response, asked.uid);
  const { allowed, auditAnnotations, status, warnings } = response;
  const patch = patchOf(response, asked);
  return {
    allowed: allowed === true,
    warnings: Array.isArray(warnings) ? warnings.map(String) : [],
    auditAnnotations: isObject(auditAnnotations) ? textsOf(auditAnnotations) : {},
    status: isObject(status) ? status : {},
    ...(patch === undefined ? {} : { patch }),
  };
}

function textsOf(object: JsonObject): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, String(value)]));
}

function checkEnvelope(review: JsonObject, response: JsonObject, uid: string): void {
  if (response["uid"] !== uid) {
    const given = String(response["uid"] ?? "");
    throw new InvalidAnswer(`expected response.uid="${uid}", got "${given}"`);
  }
  if (review["kind"] === KIND && review["apiVersion"] === `${GROUP}/v1`) return;
  const given = `${String(review["apiVersion"] ?? "")}, Kind=${String(review["kind"] ?? "")}`;
  throw new InvalidAnswer(`expected webhook response of ${GROUP}/v1, Kind=${KIND}, got ${given}`);
}

function parsed(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch (cause) {
    throw new InvalidAnswer(`couldn't parse the response: ${(cause as Error).message}`);
  }
  throw new InvalidAnswer("the response is not a JSON object");
}

function patchOf(response: JsonObject, { isMutating, version }: Asked): string | undefined {
  const { patch, patchType } = response;
  const has = (value: unknown): boolean => value !== undefined && value !== null && value !== "";
  if (version === "v1beta1") return isMutating && has(patch) ? decoded(patch) : undefined;
  if (!isMutating) {
    if (has(patch)) throw new InvalidAnswer("validating webhook may not return response.patch");
    if (has(patchType))
      throw new InvalidAnswer("validating webhook may not return response.patchType");
    return undefined;
  }
  if (has(patch) && !has(patchType))
    throw new InvalidAnswer("webhook returned response.patch but not response.patchType");
  if (!has(patch) && has(patchType))
    throw new InvalidAnswer("webhook returned response.patchType but not response.patch");
  if (!has(patch)) return undefined;
  if (patchType !== "JSONPatch")
    throw new InvalidAnswer(`unsupported patch type "${String(patchType)}"`);
  return decoded(patch);
}

function decoded(patch: unknown): string {
  return Buffer.from(String(patch), "base64").toString("utf8");
}

/** What the client hears of a webhook that said no. Its own code and reason are passed on. */
export function rejection(hook: string, status: JsonObject): StatusError {
  const message = String(status["message"] ?? "");
  const reason = String(status["reason"] ?? "");
  const given = Number(status["code"] ?? 0);
  const code = given >= 400 && given < 600 ? given : 400;
  const denied = `admission webhook "${hook}" denied the request`;
  const why = message || reason;
  const { details } = status;
  return new StatusError(
    reasonFor(code, reason),
    why === "" ? `${denied} without explanation` : `${denied}: ${why}`,
    { foreign: { code, reason }, ...(isObject(details) ? { details } : {}) },
  );
}

/** The nearest of our own, for fronts that know no other. */
function reasonFor(code: number, reason: string): Reason {
  if (Object.hasOwn(REASONS, reason)) return reason as Reason;
  const same = Object.entries(REASONS).find(([, { http }]) => http === code)?.[0];
  return (same as Reason | undefined) ?? (code < 500 ? "Forbidden" : "InternalError");
}
