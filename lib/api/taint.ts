import type { Taint, Toleration } from "#proto/core/v1";

/** Whether a toleration is for a taint: effect, key and value, each where the toleration names it. */
export function tolerates(
  toleration: Toleration,
  taint: Pick<Taint, "effect" | "key"> & { readonly value?: string },
): boolean {
  if (isNamed(toleration.effect) && toleration.effect !== taint.effect) return false;
  const operator = toleration.operator ?? "Equal";
  // Without a key only Exists makes sense; it then is for every taint.
  if (!isNamed(toleration.key)) return operator === "Exists";
  if (toleration.key !== taint.key) return false;
  return operator === "Exists" || (toleration.value ?? "") === (taint.value ?? "");
}

export function toleratesAll(
  tolerations: readonly Toleration[],
  taints: readonly Taint[],
): boolean {
  return taints.every((taint) => tolerations.some((toleration) => tolerates(toleration, taint)));
}

/** The same taint, whatever its value: a node has at most one of a key and effect. */
export function isSameTaint(a: Taint, b: Pick<Taint, "effect" | "key">): boolean {
  return a.key === b.key && a.effect === b.effect;
}

function isNamed(text: string | undefined): boolean {
  return text !== undefined && text !== "";
}
