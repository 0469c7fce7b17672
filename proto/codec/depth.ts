/** Deeper than any kind goes, and safe to walk by recursion for all who read it. */
export const JSON_DEPTH_MAX = 500;

/** Whether objects and lists stand in one another more than `max` levels deep. */
export function isDeeper(value: unknown, max = JSON_DEPTH_MAX): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (max === 0) return true;
  if (Array.isArray(value)) return value.some((each) => isDeeper(each, max - 1));
  for (const name in value)
    if (isDeeper((value as Record<string, unknown>)[name], max - 1)) return true;
  return false;
}
