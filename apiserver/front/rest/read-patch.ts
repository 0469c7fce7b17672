/** The four kinds of patch, told apart by the type of their body. */
import { StatusError } from "#lib/status-error";
import { parseJson } from "../../chain/json-text.ts";
import type { AnyPatch, Patch } from "../../chain/patch.ts";
import { flag } from "./query.ts";
import { decodeText, mediaType, unsupported } from "./read-body.ts";
import type { Exchange } from "./respond.ts";

const APPLY = "application/apply-patch+yaml";
const PATCH_TYPES: Readonly<Record<string, Patch["type"]>> = {
  "application/json-patch+json": "json",
  "application/merge-patch+json": "merge",
  "application/strategic-merge-patch+json": "strategic",
};

export async function readPatch(exchange: Exchange): Promise<AnyPatch> {
  const { query, request } = exchange;
  const type = mediaType(request);
  if (type === APPLY) {
    const body = await decodeText(await exchange.body());
    return { type: "apply", body, force: flag(query, "force") };
  }
  const known = PATCH_TYPES[type];
  if (known === undefined) throw unsupported(type, [...Object.keys(PATCH_TYPES), APPLY]);
  if (query.has("force")) throw forceForbidden();
  return { type: known, body: parseJson("patch", await exchange.body()) } as Patch;
}

function forceForbidden(): StatusError {
  const message = "Forbidden: may not be specified for non-apply patch";
  return new StatusError("Invalid", `PatchOptions.meta.k8s.io "" is invalid: force: ${message}`, {
    details: { causes: [{ reason: "FieldValueForbidden", field: "force", message }] },
  });
}
