import { IndexSet } from "#lib/api/index-set";
import type { SuccessPolicy } from "#proto/batch/v1";

/** Says which rule makes the Job a success; undefined while none does. */
export function matchedSuccessRule(
  policy: SuccessPolicy | undefined,
  completed: IndexSet,
): string | undefined {
  const at = (policy?.rules ?? []).findIndex(({ succeededCount, succeededIndexes }) => {
    if (succeededIndexes === undefined) return completed.size >= (succeededCount ?? 0);
    const wanted = IndexSet.parse(succeededIndexes);
    return completed.sizeWithin(wanted) >= (succeededCount ?? wanted.size);
  });
  return at === -1 ? undefined : `Matched rules at index ${at}`;
}
