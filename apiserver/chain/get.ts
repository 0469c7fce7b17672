import { authorize } from "./authorize.ts";
import { notFound } from "./failures.ts";
import type { Published } from "./published.ts";
import type { Call, Steps } from "./steps.ts";

export async function get(steps: Steps, call: Call): Promise<Published> {
  await authorize(steps, call, "get");
  return found(steps, call);
}

/** The object as it is now, for verbs that read before they write. */
export async function found(steps: Steps, call: Call): Promise<Published> {
  const { name = "", namespace, resource, resourceVersion } = call;
  const published = await steps.reader.get(resource, namespace, name, resourceVersion);
  if (published === undefined) throw notFound(resource, name);
  return published;
}
