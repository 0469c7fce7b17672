/** Conditions as all kinds have them. */
export interface AnyCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

export function findCondition<C extends { readonly type: string }>(
  conditions: readonly C[] | undefined,
  type: string,
): C | undefined {
  return conditions?.find((each) => each.type === type);
}

export function isConditionTrue(
  conditions: readonly { readonly type: string; readonly status: string }[] | undefined,
  type: string,
): boolean {
  return findCondition(conditions, type)?.status === "True";
}

/**
 * The list with this condition in it. The transition's time stays when the status does, and the very same list comes
 * back when nothing changes, so that callers see that there is nothing to write.
 */
export function withCondition<C extends AnyCondition>(
  conditions: readonly C[] | undefined,
  condition: C,
): readonly C[] {
  const before = findCondition(conditions, condition.type);
  if (before === undefined) return [...(conditions ?? []), condition];
  const lastTransitionTime =
    before.status === condition.status ? before.lastTransitionTime : condition.lastTransitionTime;
  const isSame =
    before.status === condition.status &&
    before.reason === condition.reason &&
    before.message === condition.message;
  if (isSame) return conditions ?? [];
  const after = lastTransitionTime === undefined ? condition : { ...condition, lastTransitionTime };
  return (conditions ?? []).map((each) => (each === before ? after : each));
}

export function withoutCondition<C extends { readonly type: string }>(
  conditions: readonly C[] | undefined,
  type: string,
): readonly C[] {
  return (conditions ?? []).filter((each) => each.type !== type);
}
