import type { Pod } from "#proto/core/v1";
import { reasonsOf, violations } from "./checks.ts";
import { type LevelVersion, levelText } from "./policy.ts";
import { subjectOf } from "./subject.ts";

/** So many are looked at, as in Kubernetes: whoever labels a large namespace does not wait for all. */
const PODS_MAX = 3000;

/** What to tell whoever makes a namespace stricter: which of its pods break the new level. Pure. */
export function existingPodWarnings(
  namespace: string,
  enforce: LevelVersion,
  all: readonly Pod[],
): readonly string[] {
  const checked = ownersFirst(all).slice(0, PODS_MAX);
  const byReason = new Map<string, string[]>();
  for (const { metadata, spec } of checked) {
    const found = violations(enforce, subjectOf(metadata.annotations, spec));
    if (found.length === 0) continue;
    const reasons = reasonsOf(found);
    byReason.set(reasons, [...(byReason.get(reasons) ?? []), metadata.name]);
  }
  const level = `the new PodSecurity enforce level "${levelText(enforce)}"`;
  return [
    ...(checked.length < all.length
      ? [
          `new PodSecurity enforce level only checked against the first ${checked.length} of ${all.length} existing pods`,
        ]
      : []),
    ...(byReason.size > 0 ? [`existing pods in namespace "${namespace}" violate ${level}`] : []),
    ...[...byReason].map(([reasons, names]) => `${namesText(names)}: ${reasons}`).toSorted(),
  ];
}

function namesText(names: readonly string[]): string {
  const [first = "", ...others] = names.toSorted();
  if (others.length === 0) return first;
  return `${first} (and ${others.length} other ${others.length === 1 ? "pod" : "pods"})`;
}

/** One pod of each owner before the rest, which are like it. */
function ownersFirst(all: readonly Pod[]): readonly Pod[] {
  const seen = new Set<string>();
  const rest: Pod[] = [];
  const first = all.filter((pod) => {
    const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller)?.uid;
    if (owner === undefined || !seen.has(owner)) {
      if (owner !== undefined) seen.add(owner);
      return true;
    }
    rest.push(pod);
    return false;
  });
  return [...first, ...rest];
}
