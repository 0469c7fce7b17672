import type { JsonObject, JsonValue } from "#lib/json";
import { JSON_BYTES_MAX, jsonBytes } from "#lib/json-bounds";
import { StatusError } from "#lib/status-error";
import type { Configuration } from "./apply.ts";
import { authorize } from "./authorize.ts";
import { decodeBody } from "./decode-body.ts";
import { checkDepth } from "./depth.ts";
import { conflict, MODIFIED } from "./failures.ts";
import { found } from "./get.ts";
import { isObject } from "./object-meta.ts";
import type { Published } from "./published.ts";
import type { Call, Steps } from "./steps.ts";
import { replace } from "./update.ts";

export type Patch =
  | { readonly type: "json"; readonly body: JsonValue }
  | { readonly type: "merge"; readonly body: JsonObject }
  | { readonly type: "strategic"; readonly body: JsonObject };

/** Server-side apply comes by the same verb. */
export type AnyPatch = Patch | ({ readonly type: "apply" } & Configuration);

/** A patch is applied anew to what others wrote meanwhile, this often, as Kubernetes does. */
const TRIES_MAX = 5;

export async function patch(steps: Steps, call: Call, change: Patch): Promise<Published> {
  await authorize(steps, call, "patch");
  for (let attempt = 1; attempt <= TRIES_MAX; attempt++) {
    const current = await found(steps, call);
    const patched = applyPatch(steps, call, change, documentFor(change, current));
    const object = decodeBody(call, patched);
    const written = await replace(steps, call, { object, current });
    if (written !== undefined) return written;
  }
  throw conflict(call.resource, call.name ?? "", MODIFIED);
}

/** A JSON patch may test and replace managed fields; the others give the whole list, when they speak of it. */
function documentFor(change: Patch, current: Published): JsonObject {
  return change.type === "json" ? current.whole() : current.json;
}

/** What comes out is as bounded as what comes in: checked before anyone encodes it. */
export function applyPatch(
  steps: Pick<Steps, "patcher">,
  call: Call,
  change: Patch,
  document: JsonObject,
): JsonObject {
  checkDepth(change.body);
  const patched = applied(steps, call, change, document);
  checkDepth(patched);
  if (jsonBytes(patched, JSON_BYTES_MAX) <= JSON_BYTES_MAX) return patched;
  throw new StatusError(
    "RequestEntityTooLarge",
    `Request entity too large: the patched object is larger than the limit of ${JSON_BYTES_MAX} bytes`,
  );
}

function applied(
  steps: Pick<Steps, "patcher">,
  call: Call,
  change: Patch,
  document: JsonObject,
): JsonObject {
  if (change.type === "json") return steps.patcher.json(document, change.body);
  if (!isObject(change.body)) throw new StatusError("BadRequest", "a patch must be a JSON object");
  return change.type === "merge"
    ? steps.patcher.merge(document, change.body)
    : steps.patcher.strategic(call.resource, document, change.body);
}
