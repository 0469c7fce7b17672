import { StatusError } from "#lib/status-error";
import { authorize, ofSelected } from "./authorize.ts";
import type { Call, ListQuery, PublishedList, Steps } from "./steps.ts";

export type Selection = Omit<ListQuery, "resource" | "namespace">;

export async function list(steps: Steps, call: Call, selection: Selection): Promise<PublishedList> {
  const { fieldSelector, resourceVersion = "0" } = selection;
  await authorize(steps, ofSelected(call, fieldSelector), "list", fieldSelector);
  // The token says of which revision the list is.
  if (selection.continue && resourceVersion !== "" && resourceVersion !== "0") {
    const message = "specifying resource version is not allowed when using continue";
    throw new StatusError("BadRequest", message);
  }
  const found = await steps.reader.list({ ...selection, ...scopeOf(call) });
  call.audit?.responseList(call.resource, found);
  return found;
}

export function scopeOf(call: Call): Pick<ListQuery, "resource" | "namespace"> {
  const { resource, namespace } = call;
  return namespace === undefined ? { resource } : { resource, namespace };
}
