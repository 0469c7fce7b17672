/** What a request for a certificate says of who asks, and when it was decided, is the server's to say. */
import type { Clock } from "#lib/clock";
import type { JsonObject } from "#lib/json";
import type { CertificateSigningRequestCondition as Condition } from "#proto/certificates/v1";
import { certificateSigningRequests } from "#resources";
import { objectAt, timestamp } from "../../chain/object-meta.ts";
import type { AdmissionRequest } from "../../chain/steps.ts";

/** After all others, so that nobody changes it. Undefined when there is nothing to say. */
export function stampCertificateRequest(
  request: AdmissionRequest,
  clock: Clock,
): JsonObject | undefined {
  const { object, operation, resource, subresource } = request;
  if (resource !== certificateSigningRequests || object === undefined) return undefined;
  if (operation === "CREATE") return withRequester(object, request.user);
  if (operation !== "UPDATE" || subresource === undefined) return undefined;
  return withTimes(object, timestamp(clock.nowMs()));
}

function withRequester(
  object: JsonObject,
  { extra, groups, name, uid }: AdmissionRequest["user"],
): JsonObject {
  const { extra: _, groups: __, uid: ___, username: ____, ...asked } = objectAt(object, "spec");
  const spec = {
    ...asked,
    username: name,
    groups,
    ...(uid === undefined ? {} : { uid }),
    ...(extra === undefined ? {} : { extra }),
  };
  return { ...object, spec: spec as unknown as JsonObject };
}

function withTimes(object: JsonObject, now: string): JsonObject {
  const status = objectAt(object, "status");
  const conditions = (status["conditions"] ?? []) as unknown as readonly Condition[];
  const timed = conditions.map((each) => ({
    ...each,
    lastUpdateTime: each.lastUpdateTime ?? now,
    lastTransitionTime: each.lastTransitionTime ?? now,
  }));
  return { ...object, status: { ...status, conditions: timed as unknown as JsonObject[] } };
}
