import { scaledValue } from "#lib/api/int-or-string";
import { isAvailable, isTerminal } from "#lib/api/pod";
import type { StatefulSet } from "#proto/apps/v1";
import type { Pod } from "#proto/core/v1";
import { ordinalOf, ordinalsOf, revisionOf } from "./identity.ts";

export interface StatefulInput {
  readonly set: StatefulSet;
  /** Its own, each with an ordinal. */
  readonly pods: readonly Pod[];
  /** Name of the newest revision. */
  readonly update: string;
  readonly nowMs: number;
}

export interface StatefulPlan {
  readonly create: readonly number[];
  readonly remove: readonly Pod[];
}

const NOTHING: StatefulPlan = { create: [], remove: [] };

/** The next step: one pod at a time and in order, or all at once with podManagementPolicy Parallel. */
export function planStatefulSet(input: StatefulInput): StatefulPlan {
  const view = viewOf(input);
  if (input.set.spec.podManagementPolicy === "Parallel") return inParallel(input, view);
  return fill(view) ?? shrink(view) ?? update(input, view) ?? NOTHING;
}

/** The set's pods by what they are to it. */
interface View {
  /** One for each wanted ordinal, lowest first; undefined where a pod is missing. */
  readonly places: readonly { readonly ordinal: number; readonly pod: Pod | undefined }[];
  /** Pods of other ordinals, highest first. */
  readonly condemned: readonly Pod[];
  readonly isHealthy: (pod: Pod) => boolean;
}

function viewOf({ nowMs, pods, set }: StatefulInput): View {
  const { end, first } = ordinalsOf(set);
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod) ?? -1, pod]));
  const places = Array.from({ length: end - first }, (_, at) => {
    const ordinal = first + at;
    return { ordinal, pod: byOrdinal.get(ordinal) };
  });
  const condemned = [...byOrdinal]
    .filter(([ordinal]) => ordinal < first || ordinal >= end)
    .toSorted(([a], [b]) => b - a)
    .map(([, pod]) => pod);
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  const isHealthy = (pod: Pod): boolean =>
    !isGoing(pod) && !isTerminal(pod) && isAvailable(pod, minReadySeconds, nowMs);
  return { places, condemned, isHealthy };
}

function isGoing({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined;
}

/** The lowest place that is not well decides: it is filled, or waited for. Undefined when all are well. */
function fill({ isHealthy, places }: View): StatefulPlan | undefined {
  const sick = places.find(({ pod }) => pod === undefined || !isHealthy(pod));
  if (sick === undefined) return undefined;
  const { ordinal, pod } = sick;
  if (pod === undefined) return { create: [ordinal], remove: [] };
  // One that has ended will never be ready again; its place is filled when it is gone.
  return isTerminal(pod) && !isGoing(pod) ? { create: [], remove: [pod] } : NOTHING;
}

/** The highest goes first, and only while nothing but the lowest sick one is sick. */
function shrink({ condemned, isHealthy }: View): StatefulPlan | undefined {
  const [highest] = condemned;
  if (highest === undefined) return undefined;
  const lowestSick = condemned.findLast((pod) => !isHealthy(pod));
  const mayGo = !isGoing(highest) && (isHealthy(highest) || highest === lowestSick);
  return mayGo ? { create: [], remove: [highest] } : NOTHING;
}

/** Old pods, the highest first, as far as maxUnavailable and partition let them go. */
function update({ set, update: newest }: StatefulInput, view: View): StatefulPlan | undefined {
  const { rollingUpdate, type } = set.spec.updateStrategy;
  if (type === "OnDelete") return undefined;
  const { first } = ordinalsOf(set);
  const limit = first + (rollingUpdate?.partition ?? 0);
  const { isHealthy, places } = view;
  const old = places.filter(
    ({ ordinal, pod }) =>
      ordinal >= limit && pod !== undefined && !isGoing(pod) && revisionOf(pod) !== newest,
  );
  const down = places.filter(({ pod }) => pod === undefined || !isHealthy(pod)).length;
  const room = Math.max(0, unavailableMax(set) - down);
  const highestFirst = old.toReversed().flatMap(({ pod }) => pod ?? []);
  // Those that serve nobody cost nothing.
  const useless = highestFirst.filter((pod) => !isHealthy(pod));
  const serving = highestFirst.filter(isHealthy);
  return { create: [], remove: [...useless, ...serving.slice(0, room)] };
}

function unavailableMax({ spec }: StatefulSet): number {
  const { maxUnavailable = 1 } = spec.updateStrategy.rollingUpdate ?? {};
  return Math.max(1, scaledValue(maxUnavailable, spec.replicas ?? 1, "down"));
}

function inParallel(input: StatefulInput, view: View): StatefulPlan {
  const { condemned, places } = view;
  const ended = places.flatMap(({ pod }) =>
    pod !== undefined && isTerminal(pod) && !isGoing(pod) ? [pod] : [],
  );
  const replaced = update(input, view)?.remove ?? [];
  return {
    create: places.filter(({ pod }) => pod === undefined).map(({ ordinal }) => ordinal),
    remove: [...new Set([...ended, ...condemned.filter((pod) => !isGoing(pod)), ...replaced])],
  };
}
