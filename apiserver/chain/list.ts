import { authorize, ofSelected } from "./authorize.ts";
import type { Call, ListQuery, PublishedList, Steps } from "./steps.ts";

export type Selection = Omit<ListQuery, "resource" | "namespace">;

export async function list(steps: Steps, call: Call, selection: Selection): Promise<PublishedList> {
  const { fieldSelector } = selection;
  await authorize(steps, ofSelected(call, fieldSelector), "list", fieldSelector);
  return steps.reader.list({ ...selection, ...scopeOf(call) });
}

export function scopeOf(call: Call): Pick<ListQuery, "resource" | "namespace"> {
  const { resource, namespace } = call;
  return namespace === undefined ? { resource } : { resource, namespace };
}
