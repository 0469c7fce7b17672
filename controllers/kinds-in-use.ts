import { isDeepStrictEqual } from "node:util";
import type { Informers } from "#client";
import { resourcesOf } from "#lib/api/custom-resources";
import type { CustomResourceDefinition } from "#proto/apiextensions/v1";
import { customResourceDefinitions, RESOURCES, type Resource } from "#resources";

/** Of what is asked or measured, and of a second face, nothing is kept, and nothing can be followed. */
const STORED = RESOURCES.filter(
  ({ storedAs, verbs }) => storedAs === undefined && verbs.includes("watch"),
);

export interface KindsHandler {
  come(resource: Resource): void;
  go(resource: Resource): void;
}

/**
 * The kinds whose objects the cluster keeps just now, for controllers that look after all: one row for each, whatever
 * versions and groups show it, since these share their objects.
 */
export class KindsInUse {
  readonly #custom = new Map<string, Resource>();
  readonly #handlers: KindsHandler[] = [];

  constructor(informers: Informers) {
    informers
      .of(customResourceDefinitions)
      .onChange((before, after) => this.#take(before ?? after, after));
  }

  all(): readonly Resource[] {
    return [...STORED, ...this.#custom.values()];
  }

  /** Is told of all that are there, and of each that comes or goes later. */
  onChange(handler: KindsHandler): void {
    this.#handlers.push(handler);
    for (const resource of this.all()) handler.come(resource);
  }

  #take(
    either: CustomResourceDefinition | undefined,
    after: CustomResourceDefinition | undefined,
  ): void {
    const name = either?.metadata.name ?? "";
    const before = this.#custom.get(name);
    const [now] = after === undefined ? [] : resourcesOf(after);
    // The same row is kept: informers are known by it.
    if (isDeepStrictEqual(before, now)) return;
    if (now === undefined) this.#custom.delete(name);
    else this.#custom.set(name, now);
    for (const handler of this.#handlers) {
      if (before !== undefined) handler.go(before);
      if (now !== undefined) handler.come(now);
    }
  }
}
