/** The extension API servers that stand behind APIServices just now. */
import { isDeepStrictEqual } from "node:util";
import { isConditionTrue } from "#lib/api/condition";
import type { APIService, APIServiceSpec } from "#proto/apiregistration/v1";
import type { Resource } from "#resources";
import type { DialDeps } from "../proxy/dial-service.ts";
import { ExtensionServer, type ProxyCredential } from "./extension-server.ts";
import type { Seen } from "./look.ts";
import { proxiedPath } from "./proxied-request.ts";

/** One group version of one of them. */
export interface Extension {
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly spec: APIServiceSpec;
  readonly server: ExtensionServer;
  readonly isAvailable: boolean;
  /** As they were when it was last seen; none before. */
  readonly kinds: readonly Resource[];
  readonly description: string | undefined;
  /** Aborts when it is an extension no longer, or another. */
  readonly ended: AbortSignal;
  /** Looks without success, one after the other. */
  readonly failures: number;
}

export type ExtensionDeps = DialDeps & { readonly credential: ProxyCredential | undefined };

export class Extensions {
  readonly #deps: ExtensionDeps;
  /** By group version. */
  readonly #all = new Map<string, Extension>();
  readonly #ends = new Map<string, AbortController>();
  #generation = 0;

  constructor(deps: ExtensionDeps) {
    this.#deps = deps;
  }

  /** Another number each time that something changed which discovery tells. */
  get generation(): number {
    return this.#generation;
  }

  /** Who serves the path, if it is one of them. */
  of(path: string): Extension | undefined {
    // Every request comes by here, and most clusters have none.
    if (this.#all.size === 0) return undefined;
    const proxied = proxiedPath(path);
    return proxied && this.#all.get(`${proxied.group}/${proxied.version}`);
  }

  all(): readonly Extension[] {
    return [...this.#all.values()];
  }

  /** The server that an APIService with a service names; a new one when the APIService says something else than before. */
  put(service: APIService): { readonly extension: Extension; readonly isNew: boolean } {
    const { spec } = service;
    const { group = "", version = "" } = spec;
    const key = `${group}/${version}`;
    const before = this.#all.get(key);
    if (before !== undefined && isDeepStrictEqual(before.spec, spec))
      return { extension: before, isNew: false };
    this.remove(service.metadata.name);
    const end = new AbortController();
    const extension: Extension = {
      name: service.metadata.name,
      group,
      version,
      spec,
      server: new ExtensionServer(spec, this.#deps),
      // What another server, or our own last run, has found out, until we have looked.
      isAvailable: isConditionTrue(service.status.conditions, "Available"),
      kinds: before?.kinds ?? [],
      description: undefined,
      ended: end.signal,
      failures: 0,
    };
    this.#ends.set(key, end);
    this.#set(key, extension);
    return { extension, isNew: true };
  }

  /** What a look at it has shown. */
  saw({ group, version, ended }: Extension, seen: Seen): Extension | undefined {
    const key = `${group}/${version}`;
    const before = this.#all.get(key);
    if (before === undefined || before.ended !== ended) return undefined;
    const isAvailable = seen.availability.status === "True";
    // What is away may still answer on old connections for as long as its pods take to end.
    if (!isAvailable) before.server.forget();
    const next: Extension = {
      ...before,
      isAvailable,
      kinds: seen.kinds ?? before.kinds,
      description: seen.description,
      failures: isAvailable ? 0 : before.failures + 1,
    };
    if (isDeepStrictEqual(told(before), told(next))) this.#all.set(key, next);
    else this.#set(key, next);
    return next;
  }

  remove(name: string): void {
    const [key, extension] = [...this.#all].find(([, each]) => each.name === name) ?? [];
    if (key === undefined || extension === undefined) return;
    this.#all.delete(key);
    this.#ends.get(key)?.abort();
    this.#ends.delete(key);
    extension.server.close();
    this.#generation++;
  }

  close(): void {
    for (const { name } of this.all()) this.remove(name);
  }

  #set(key: string, extension: Extension): void {
    this.#all.set(key, extension);
    this.#generation++;
  }
}

function told({ description, isAvailable, kinds }: Extension): unknown {
  return [description, isAvailable, kinds];
}
