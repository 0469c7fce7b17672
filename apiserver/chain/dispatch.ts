/** Sub-resources that are objects: which file serves which. Streams (log, exec, …) are the fronts' own affair. */
import { bindings, isQuestion } from "#resources";
import { type Applied, apply, type Configuration } from "./apply.ts";
import { bind, bindNamed } from "./bind.ts";
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
  call.audit?.request(body);
  return recorded(call, await created(steps, call, body));
}

async function created(steps: Steps, call: Call, body: Body): Promise<Published> {
  switch (call.subresource) {
    case undefined:
      if (call.resource === bindings) {
        await bindNamed(steps, call, jsonOf(body));
        return SUCCESS;
      }
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
  const found = call.subresource === "scale" ? getScale(steps, call) : get(steps, call);
  return recorded(call, await found);
}

export async function updateAny(steps: Steps, call: Call, body: Body): Promise<Published> {
  call.audit?.request(body);
  if (call.subresource === "scale")
    return recorded(call, await updateScale(steps, call, jsonOf(body)));
  if (call.subresource === "finalize")
    return recorded(call, await finalize(steps, call, jsonOf(body)));
  return recorded(call, await update(steps, call, body));
}

export async function patchAny(steps: Steps, call: Call, change: AnyPatch): Promise<Published> {
  if (change.type === "apply") return (await applyAny(steps, call, change)).published;
  call.audit?.request(change.body);
  const patching = call.subresource === "scale" ? patchScale : patch;
  return recorded(call, await patching(steps, call, change));
}

export async function applyAny(
  steps: Steps,
  call: Call,
  configuration: Configuration,
): Promise<Applied> {
  call.audit?.request(configuration.body);
  const applying = call.subresource === "scale" ? applyScale : apply;
  const applied = await applying(steps, call, configuration);
  recorded(call, applied.published);
  return applied;
}

/** For who keeps a record of the call; mostly nobody does. */
function recorded(call: Call, answer: Published): Published {
  call.audit?.response(answer);
  return answer;
}

const SUCCESS = Published.unsaved({
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Success",
  code: 201,
});
