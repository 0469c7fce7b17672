/** Sub-resources that are objects: which file serves which. Streams (log, exec, …) are the fronts' own affair. */
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import { isQuestion } from "#resources";
import { bind } from "./bind.ts";
import { create } from "./create.ts";
import { evict } from "./evict.ts";
import { methodNotAllowed } from "./failures.ts";
import { finalize } from "./finalize.ts";
import { get } from "./get.ts";
import { isObject } from "./object-meta.ts";
import { type Patch, patch } from "./patch.ts";
import { Published } from "./published.ts";
import { requestToken } from "./request-token.ts";
import { review } from "./review.ts";
import { getScale, patchScale, updateScale } from "./scale.ts";
import type { Body, Call, Steps } from "./steps.ts";
import { update } from "./update.ts";

export async function createAny(steps: Steps, call: Call, body: Body): Promise<Published> {
  switch (call.subresource) {
    case undefined:
      return isQuestion(call.resource) ? review(steps, call, body) : create(steps, call, body);
    case "binding":
      await bind(steps, call, jsonOf(body));
      return SUCCESS;
    case "eviction":
      await evict(steps, call, jsonOf(body));
      return SUCCESS;
    case "token":
      return requestToken(steps, call, body);
    default:
      throw methodNotAllowed(call.resource);
  }
}

export async function getAny(steps: Steps, call: Call): Promise<Published> {
  return call.subresource === "scale" ? getScale(steps, call) : get(steps, call);
}

export async function updateAny(steps: Steps, call: Call, body: Body): Promise<Published> {
  if (call.subresource === "scale") return updateScale(steps, call, jsonOf(body));
  if (call.subresource === "finalize") return finalize(steps, call, jsonOf(body));
  return update(steps, call, body);
}

export async function patchAny(steps: Steps, call: Call, change: Patch): Promise<Published> {
  return call.subresource === "scale"
    ? patchScale(steps, call, change)
    : patch(steps, call, change);
}

const SUCCESS = Published.unsaved({
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Success",
  code: 201,
});

/** For small bodies that are no stored kind. */
export function jsonOf(body: Body): JsonObject {
  if (!(body instanceof Uint8Array)) return body;
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString("utf8"));
    if (isObject(value)) return value;
  } catch (cause) {
    throw new StatusError("BadRequest", `the body is not JSON: ${(cause as Error).message}`);
  }
  throw new StatusError("BadRequest", "the body is not a JSON object");
}
