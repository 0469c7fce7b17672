import type { Resource } from "#resources";

/** The kinds that are served just now: the built-in ones, and custom ones as they come and go. */
export interface ResourceTable {
  find(group: string, version: string, plural: string): Resource | undefined;
  /** In the order that discovery lists them. */
  all(): readonly Resource[];
  /** Another number each time that `all` changes: what was made of it before is then old. */
  readonly generation: number;
}

/** By `group/version/plural`. */
export function byName(resources: readonly Resource[]): Map<string, Resource> {
  return new Map(resources.map((each) => [nameOf(each.group, each.version, each.plural), each]));
}

export function nameOf(group: string, version: string, plural: string): string {
  return `${group}/${version}/${plural}`;
}
