import { isDeepStrictEqual } from "node:util";
import { compareVersions, resourcesOf, storedResourceOf } from "#lib/api/custom-resources";
import type { JsonObject } from "#lib/json";
import type { CustomResourceDefinition } from "#proto/apiextensions/v1";
import { RESOURCES, type Resource } from "#resources";
import { type CustomKind, type CustomResource, ENDING } from "../chain/custom-kind.ts";
import { byName, nameOf, type ResourceTable } from "../chain/resource-table.ts";
import type { Converter } from "./conversion.ts";
import { compileKind } from "./custom-kind.ts";

const CHANGED = "changed";

/** What a definition says apart from its status' small talk. */
interface Known {
  readonly definition: CustomResourceDefinition;
  /** What is served of it. */
  readonly resources: readonly CustomResource[];
  readonly stored: CustomResource | undefined;
  readonly end: AbortController;
}

/** The built-in kinds, and those that definitions make. */
export class LiveResources implements ResourceTable {
  readonly #converterOf: (definition: CustomResourceDefinition) => Converter;
  readonly #known = new Map<string, Known>();
  #byName = byName(RESOURCES);
  #all: readonly Resource[] = RESOURCES;
  #generation = 0;
  readonly #listeners: (() => void)[] = [];

  constructor(converterOf: (definition: CustomResourceDefinition) => Converter) {
    this.#converterOf = converterOf;
  }

  get generation(): number {
    return this.#generation;
  }

  /** Calls back each time that `all` has changed. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  find(group: string, version: string, plural: string): Resource | undefined {
    return this.#byName.get(nameOf(group, version, plural));
  }

  all(): readonly Resource[] {
    return this.#all;
  }

  /** Serves what the definition says from now on, in place of what it said before. */
  put(definition: CustomResourceDefinition): void {
    const { name } = definition.metadata;
    const before = this.#known.get(name);
    if (before !== undefined && isSame(before.definition, definition)) return;
    const end = new AbortController();
    const row = (resource: Resource) => this.#rowOf(definition, resource, end.signal);
    const resources = resourcesOf(definition).flatMap((resource) => row(resource) ?? []);
    const kept = storedResourceOf(definition);
    const stored = kept && (resources.find((each) => each.version === kept.version) ?? row(kept));
    this.#known.set(name, { definition, resources, stored, end });
    this.#renew();
    before?.end.abort(definition.metadata.deletionTimestamp === undefined ? CHANGED : ENDING);
  }

  remove(name: string): void {
    const before = this.#known.get(name);
    if (before === undefined) return;
    this.#known.delete(name);
    this.#renew();
    before.end.abort(ENDING);
  }

  /** The row of what a definition stores, though no version of it may be served. */
  stored(name: string): Resource | undefined {
    return this.#known.get(name)?.stored;
  }

  #rowOf(
    definition: CustomResourceDefinition,
    resource: Resource,
    ended: AbortSignal,
  ): CustomResource | undefined {
    const version = definition.spec.versions.find(({ name }) => name === resource.version);
    if (version === undefined) return undefined;
    const convert = this.#converterOf(definition);
    let kind: CustomKind | undefined;
    const compiled = (): CustomKind => {
      kind ??= compileKind({ definition, version, convert, ended });
      return kind;
    };
    const schema = version.schema?.openAPIV3Schema as JsonObject | undefined;
    const row = { ...resource, schema };
    return Object.defineProperty(row, "custom", { get: compiled }) as CustomResource;
  }

  /** Built-in kinds win, whatever a definition says. */
  #renew(): void {
    const custom = [...this.#known.values()].flatMap(({ resources }) => resources);
    custom.sort(
      (a, b) =>
        compareText(a.group, b.group) ||
        compareVersions(a.version, b.version) ||
        compareText(a.plural, b.plural),
    );
    this.#byName = new Map([...byName(custom), ...byName(RESOURCES)]);
    this.#all = [...RESOURCES, ...custom];
    this.#generation++;
    for (const listener of this.#listeners) listener();
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function isSame(a: CustomResourceDefinition, b: CustomResourceDefinition): boolean {
  return isDeepStrictEqual(essence(a), essence(b));
}

function essence({ metadata, spec, status }: CustomResourceDefinition): unknown {
  const { deletionTimestamp, uid } = metadata;
  const established = status.conditions.find(({ type }) => type === "Established")?.status;
  return [uid, deletionTimestamp, spec, established, status.acceptedNames];
}
