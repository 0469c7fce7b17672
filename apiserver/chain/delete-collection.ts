import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import { authorize } from "./authorize.ts";
import { removeListed } from "./delete.ts";
import type { DeleteOptions } from "./deletion.ts";
import { abandoned } from "./failures.ts";
import { type Selection, scopeOf } from "./list.ts";
import { metaOf } from "./object-meta.ts";
import type { Published } from "./published.ts";
import type { Call, Steps } from "./steps.ts";

/** So many at once: the store writes them together. Large enough to make the disk's wait small, small enough to not block others. */
const AT_ONCE_MAX = 500;

/**
 * Deletes all that the selection finds, each by a commit of its own: a watch that was cut off between two of them goes
 * on by the revision of the first.
 */
export async function removeCollection(
  steps: Steps,
  call: Call,
  selection: Selection,
  options: DeleteOptions,
): Promise<void> {
  await authorize(steps, call, "deletecollection", selection.fieldSelector);
  call.audit?.request({ ...options } as JsonObject);
  const { items } = await steps.reader.list({ ...selection, ...scopeOf(call) });
  for (let start = 0; start < items.length; start += AT_ONCE_MAX) {
    if (start > 0 && call.abandoned?.().aborted) throw abandoned();
    const batch = items.slice(start, start + AT_ONCE_MAX);
    await Promise.all(batch.map((listed) => removeOne(steps, call, options, listed)));
  }
}

async function removeOne(
  steps: Steps,
  call: Call,
  options: DeleteOptions,
  listed: Published,
): Promise<void> {
  const { name = "", namespace } = metaOf(listed.json);
  const one = { ...call, name, ...(namespace === undefined ? {} : { namespace }) };
  try {
    await removeListed(steps, one, options, listed);
  } catch (error) {
    // It went by itself meanwhile, which is what was wanted.
    if (!StatusError.is(error, "NotFound")) throw error;
  }
}
