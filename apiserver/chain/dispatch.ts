/** Sub-resources that are objects: which file serves which. Streams (log, exec, …) are the fronts' own affair. */
import { isQuestion } from "#resources";
import { type Applied, apply, type Configuration } from "./apply.ts";
import { bind } from "./bind.ts";
import { create } from "./create.ts";
import { evict } from "./evict.ts";
import { methodNotAllowed } from "./failures.ts";
import { finalize } from "./finalize.ts";
import { get } from "./get.ts";
import { jsonOf } from "./json-of.ts";
import { type AnyPatch, patch } from "./patch.ts";
import { Published } from "./published.ts";
import { requestToken } from "./request-token.ts";
import { review } from "./review.ts";
import { applyScale, getScale, patchScale, updateScale } from "./scale.ts";
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

export async function patchAny(steps: Steps, call: Call, change: AnyPatch): Promise<Published> {
  if (change.type === "apply") return (await applyAny(steps, call, change)).published;
  return call.subresource === "scale"
    ? patchScale(steps, call, change)
    : patch(steps, call, change);
}

export async function applyAny(
  steps: Steps,
  call: Call,
  configuration: Configuration,
): Promise<Applied> {
  return call.subresource === "scale"
    ? applyScale(steps, call, configuration)
    : apply(steps, call, configuration);
}

const SUCCESS = Published.unsaved({
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Success",
  code: 201,
});
