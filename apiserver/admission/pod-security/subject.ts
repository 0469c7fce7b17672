/** What the checks look at, and the words that their findings share. Pure. */
import type { Container, EphemeralContainer, PodSpec } from "#proto/core/v1";

export type AnyContainer = Container | EphemeralContainer;

/** A pod, or the template of pods to come. */
export interface Subject {
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: PodSpec;
  /** Of all three sorts, in the order in which they are named. */
  readonly containers: readonly AnyContainer[];
}

export interface Violation {
  readonly reason: string;
  readonly detail: string;
}

export type Check = (subject: Subject) => Violation | undefined;

export function subjectOf(
  annotations: Readonly<Record<string, string>> | undefined,
  spec: PodSpec,
): Subject {
  const { containers, ephemeralContainers = [], initContainers = [] } = spec;
  return {
    annotations: annotations ?? {},
    spec,
    containers: [...initContainers, ...containers, ...ephemeralContainers],
  };
}

/** `"a", "b"`. */
export function quoted(names: Iterable<string>): string {
  return [...names].map((name) => `"${name}"`).join(", ");
}

export function sorted(values: Iterable<string>): readonly string[] {
  return [...new Set(values)].toSorted();
}

export function plural(word: string, count: number): string {
  return count === 1 ? word : `${word}s`;
}

/** `container "a"`, `containers "a", "b"`. */
export function naming(containers: readonly AnyContainer[]): string {
  return `${plural("container", containers.length)} ${quoted(containers.map(({ name }) => name))}`;
}

/** `pod and container "a"`: who says what must not be said; undefined when nobody does. */
export function setters(isPod: boolean, containers: readonly AnyContainer[]): string | undefined {
  const all = [...(isPod ? ["pod"] : []), ...(containers.length > 0 ? [naming(containers)] : [])];
  return all.length === 0 ? undefined : all.join(" and ");
}
