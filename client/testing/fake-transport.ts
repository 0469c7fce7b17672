/** A small API server in memory that holds state, and whose connection a test can break. */
import type { JsonObject } from "#lib/json";
import { applyMergePatch } from "#lib/patch/merge-patch";
import { StatusError } from "#lib/status-error";
import type { ApiObject } from "#proto";
import type { Resource } from "#resources";
import type {
  ObjectList,
  Patch,
  Target,
  Transport,
  WatchEvent,
  WatchOptions,
} from "../transport/transport.ts";

interface Change {
  readonly revision: number;
  readonly resource: Resource;
  readonly event: WatchEvent;
}

export class FakeTransport implements Transport {
  readonly #objects = new Map<string, ApiObject>();
  readonly #log: Change[] = [];
  readonly #watchers = new Set<{ wake: () => void; end: () => void }>();
  #revision = 1;
  #compacted = 0;
  #broken: StatusError | undefined;
  /** Calls so far, by verb. */
  readonly calls = new Map<string, number>();

  /** Until mended, every call fails. Watches that run end. */
  break(): void {
    this.#broken = new StatusError("ServiceUnavailable", "the server is away");
    this.endWatches();
  }

  mend(): void {
    this.#broken = undefined;
  }

  /** Forgets history: watches from before are told that it is gone. */
  compact(): void {
    this.#compacted = this.#revision;
  }

  endWatches(): void {
    for (const watcher of this.#watchers) watcher.end();
  }

  async get(target: Target): Promise<ApiObject> {
    this.#called("get");
    return this.#existing(target);
  }

  async list({ resource }: Target): Promise<ObjectList> {
    this.#called("list");
    const prefix = `${resource.plural}/`;
    const items = [...this.#objects].filter(([key]) => key.startsWith(prefix)).map(([, it]) => it);
    return { items, resourceVersion: String(this.#revision) };
  }

  async *watch(
    { resource }: Target,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent> {
    this.#called("watch");
    let from = Number(options.resourceVersion);
    if (from < this.#compacted) throw new StatusError("Expired", "too old resource version");
    const state = { isEnded: false, wake: (): void => {} };
    const end = (): void => {
      state.isEnded = true;
      state.wake();
    };
    const watcher = { wake: (): void => state.wake(), end };
    this.#watchers.add(watcher);
    signal.addEventListener("abort", end, { once: true });
    try {
      while (!state.isEnded) {
        for (const { event, resource: of, revision } of this.#log.slice()) {
          if (revision <= from || state.isEnded) continue;
          from = revision;
          if (of === resource) yield event;
          else if (options.allowBookmarks === true) yield bookmark(revision);
        }
        await new Promise<void>((resolve) => {
          state.wake = resolve;
          if (state.isEnded || from < this.#revision) resolve();
        });
      }
    } finally {
      this.#watchers.delete(watcher);
    }
  }

  async create(target: Target, object: JsonObject): Promise<ApiObject> {
    this.#called("create");
    const metadata = object["metadata"] as JsonObject;
    const name = String(metadata["name"]);
    const named = { ...target, name };
    if (this.#objects.has(keyOf(named))) throw new StatusError("AlreadyExists", name);
    const namespace = target.namespace === undefined ? {} : { namespace: target.namespace };
    const identity = { ...namespace, name, uid: `uid-${this.#revision + 1}` };
    return this.#store("ADDED", named, { ...object, metadata: { ...metadata, ...identity } });
  }

  async update(target: Target, object: JsonObject): Promise<ApiObject> {
    this.#called("update");
    const before = this.#existing(target);
    const { resourceVersion } = object["metadata"] as { readonly resourceVersion?: string };
    if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion)
      throw new StatusError("Conflict", `${target.name}: the object has been modified`);
    return this.#store("MODIFIED", target, object);
  }

  async patch(target: Target, patch: Patch): Promise<ApiObject> {
    this.#called("patch");
    if (patch.type !== "merge") throw new StatusError("UnsupportedMediaType", patch.type);
    const before = this.#existing(target) as unknown as JsonObject;
    return this.#store("MODIFIED", target, applyMergePatch(before, patch.body) as JsonObject);
  }

  async delete(target: Target): Promise<ApiObject | undefined> {
    this.#called("delete");
    const before = this.#existing(target);
    this.#objects.delete(keyOf(target));
    this.#publish(target.resource, { type: "DELETED", object: this.#stamped(before) });
    return undefined;
  }

  async deleteCollection(target: Target): Promise<void> {
    const { items } = await this.list(target);
    for (const { metadata } of items) {
      const namespace = metadata.namespace === undefined ? {} : { namespace: metadata.namespace };
      await this.delete({ resource: target.resource, ...namespace, name: metadata.name });
    }
  }

  #called(verb: string): void {
    this.calls.set(verb, (this.calls.get(verb) ?? 0) + 1);
    if (this.#broken !== undefined) throw this.#broken;
  }

  #existing(target: Target): ApiObject {
    const found = this.#objects.get(keyOf(target));
    if (found === undefined) throw new StatusError("NotFound", String(target.name));
    return found;
  }

  #store(type: "ADDED" | "MODIFIED", target: Target, object: JsonObject): ApiObject {
    const stored = this.#stamped(object as unknown as ApiObject);
    this.#objects.set(keyOf(target), stored);
    this.#publish(target.resource, { type, object: stored });
    return stored;
  }

  #stamped(object: ApiObject): ApiObject {
    const resourceVersion = String(++this.#revision);
    return { ...object, metadata: { ...object.metadata, resourceVersion } };
  }

  #publish(resource: Resource, event: WatchEvent): void {
    this.#log.push({ revision: this.#revision, resource, event });
    for (const watcher of this.#watchers) watcher.wake();
  }
}

function bookmark(revision: number): WatchEvent {
  return { type: "BOOKMARK", resourceVersion: String(revision), initialEventsEnd: false };
}

function keyOf({ name, namespace, resource }: Target): string {
  return [resource.plural, namespace, name].filter((part) => part !== undefined).join("/");
}
