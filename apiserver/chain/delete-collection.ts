import { StatusError } from "#lib/status-error";
import { admitDeletion } from "./admit.ts";
import { authorize } from "./authorize.ts";
import { removeAllowed } from "./delete.ts";
import { type DeleteOptions, planDeletion } from "./deletion.ts";
import { type Selection, scopeOf } from "./list.ts";
import { metaOf } from "./object-meta.ts";
import type { Published } from "./published.ts";
import type { Call, Commit, Steps } from "./steps.ts";

/** One durable write for this many deletions: large enough to make the disk's wait small, small enough to not block others. */
const BATCH_MAX = 500;

/** Deletes all that the selection finds, many to one write. */
export async function removeCollection(
  steps: Steps,
  call: Call,
  selection: Selection,
  options: DeleteOptions,
): Promise<void> {
  await authorize(steps, call, "deletecollection", selection.fieldSelector);
  const { items } = await steps.reader.list({ ...selection, ...scopeOf(call) });
  for (let start = 0; start < items.length; start += BATCH_MAX) {
    await removeBatch(steps, call, items.slice(start, start + BATCH_MAX), options);
  }
}

async function removeBatch(
  steps: Steps,
  call: Call,
  batch: readonly Published[],
  options: DeleteOptions,
): Promise<void> {
  const commits: Commit[] = [];
  for (const published of batch) {
    await admitDeletion(steps, callFor(call, published), options, published.json);
    const plan = planDeletion(call.resource, published.json, options, steps.clock.nowMs());
    if (plan.kind === "wait") continue;
    commits.push(
      plan.kind === "remove"
        ? { kind: "delete", resource: call.resource, published }
        : {
            kind: "put",
            resource: call.resource,
            object: plan.object,
            managedFields: published.managedFields,
            ifRevision: published.revision,
          },
    );
  }
  if (call.dryRun || options.dryRun || commits.length === 0) return;
  const result = await steps.writer.commit(commits);
  if (!result.ok) await removeOneByOne(steps, call, batch, options);
}

/** Someone wrote one of them meanwhile. Each then gets its own retries. */
async function removeOneByOne(
  steps: Steps,
  call: Call,
  batch: readonly Published[],
  options: DeleteOptions,
): Promise<void> {
  for (const published of batch) {
    try {
      await removeAllowed(steps, callFor(call, published), options);
    } catch (error) {
      // It went by itself meanwhile, which is what was wanted.
      if (!StatusError.is(error, "NotFound")) throw error;
    }
  }
}

function callFor(call: Call, published: Published): Call {
  const { name = "", namespace } = metaOf(published.json);
  return { ...call, name, ...(namespace === undefined ? {} : { namespace }) };
}
