/** How the history stays bounded: what a commit forgets beside what it writes. */
import type { Changeset, Snapshot } from "./tables.ts";

/** Twenty minutes at 16 writes a second; a watcher that was away for longer lists anew. */
export const HISTORY_REVISIONS_MAX = 20_000;
/** Big objects that change often would otherwise fill the disk within the revisions above. */
const HISTORY_BYTES_MAX = 64 << 20;
/** Forgetting goes in steps of this part of the bounds, so that most commits do none. */
const STEP_PARTS = 8;

export function planTrim(changes: Changeset, compactTo: number, snapshot: Snapshot): Changeset {
  const { facts } = changes;
  // Records of this very commit are not in the tables yet, so they stay.
  const newest = snapshot.facts().revision;
  const until = Math.min(newest, Math.max(compactTo, wanted(changes)));
  if (until <= facts.oldest) return changes;
  const forget = { after: facts.oldest, until };
  const logBytes = Math.max(0, facts.logBytes - snapshot.logBytes(forget));
  return { ...changes, forget, facts: { ...facts, oldest: until, logBytes } };
}

function wanted({ facts }: Changeset): number {
  const kept = facts.revision - facts.oldest;
  if (kept > HISTORY_REVISIONS_MAX + HISTORY_REVISIONS_MAX / STEP_PARTS)
    return facts.revision - HISTORY_REVISIONS_MAX;
  if (facts.logBytes > HISTORY_BYTES_MAX) return facts.oldest + Math.ceil(kept / STEP_PARTS);
  return facts.oldest;
}
