/** The APIServices as they are now: which group versions come first, and which are somebody else's. */
import { compareVersions } from "#lib/api/custom-resources";
import type { ApiObject } from "#proto";
import type { APIService } from "#proto/apiregistration/v1";
import { BUILT_IN_PRIORITIES, type Priority, UNREGISTERED_PRIORITY } from "./priorities.ts";

export class ApiServices {
  readonly #byName = new Map<string, APIService>();
  readonly #changed: (name: string) => void;
  #generation = 0;

  /** `changed` hears of each that came, went or is another. */
  constructor(changed: (name: string) => void) {
    this.#changed = changed;
  }

  /** Another number each time that something changed. */
  get generation(): number {
    return this.#generation;
  }

  get(name: string): APIService | undefined {
    return this.#byName.get(name);
  }

  names(): readonly string[] {
    return [...this.#byName.keys()];
  }

  all(): readonly APIService[] {
    return [...this.#byName.values()];
  }

  put(object: ApiObject): void {
    const { name } = object.metadata;
    this.#byName.set(name, object as APIService);
    this.#tell(name);
  }

  remove({ metadata }: ApiObject): void {
    if (this.#byName.delete(metadata.name)) this.#tell(metadata.name);
  }

  clear(): void {
    const names = this.names();
    this.#byName.clear();
    for (const name of names) this.#tell(name);
  }

  /** What the registration says; of one that is missing what it would say. */
  priorityOf(group: string, version: string): Priority {
    const spec = this.#byName.get(`${version}.${group}`)?.spec;
    if (spec !== undefined)
      return { group: spec.groupPriorityMinimum, version: spec.versionPriority };
    const groupVersion = group === "" ? version : `${group}/${version}`;
    return BUILT_IN_PRIORITIES.get(groupVersion) ?? UNREGISTERED_PRIORITY;
  }

  #tell(name: string): void {
    this.#generation++;
    this.#changed(name);
  }
}

export interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

const REGISTRATION = "apiregistration.k8s.io";

/**
 * Groups in discovery's order, each with its versions, the preferred first. As Kubernetes: the API by which one registers
 * comes first, then the group of which some version has the greatest number; the same number, by the group's name.
 */
export function inOrder(
  all: readonly GroupVersion[],
  priorityOf: (group: string, version: string) => Priority,
): ReadonlyMap<string, readonly string[]> {
  const byGroup = Map.groupBy(all, ({ group }) => group);
  const groups = [...byGroup].map(([group, served]) => {
    const versions = [...new Set(served.map(({ version }) => version))];
    const rank = new Map(versions.map((version) => [version, priorityOf(group, version)]));
    const numberOf = (version: string): number => rank.get(version)?.version ?? 0;
    return {
      group,
      first:
        group === REGISTRATION
          ? Number.POSITIVE_INFINITY
          : Math.max(...[...rank.values()].map((each) => each.group)),
      versions: versions.toSorted((a, b) => numberOf(b) - numberOf(a) || compareVersions(a, b)),
    };
  });
  const sorted = groups.toSorted(
    (a, b) => b.first - a.first || (a.group < b.group ? -1 : Number(a.group > b.group)),
  );
  return new Map(sorted.map(({ group, versions }) => [group, versions]));
}
