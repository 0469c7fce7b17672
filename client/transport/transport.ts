/**
 * The verbs of the API as calls. `grpc.ts` and `rest.ts` speak them over the wire; the API server's own core has the
 * same shape, so that a program in the server's process calls it directly. Failures are `StatusError`s.
 */
import type { JsonObject, JsonValue } from "#lib/json";
import type { ApiObject } from "#proto";
import type { Resource } from "#resources";

/** What a call is about. `name` is absent for collections and for creates. */
export interface Target {
  readonly resource: Resource;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

export interface GetOptions {
  readonly resourceVersion?: string;
}

export interface ListOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: "Exact" | "NotOlderThan";
}

export interface WatchOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: "NotOlderThan";
  readonly allowBookmarks?: boolean;
  readonly sendInitialEvents?: boolean;
  readonly timeoutSeconds?: number;
}

export interface WriteOptions {
  readonly dryRun?: boolean;
  /** Who owns what is written; without it, the program's own name. */
  readonly fieldManager?: string;
  readonly fieldValidation?: "Ignore" | "Strict" | "Warn";
}

export interface DeleteOptions {
  readonly dryRun?: boolean;
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan";
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

export type Patch =
  | { readonly type: "json"; readonly body: JsonValue }
  | { readonly type: "merge"; readonly body: JsonObject }
  | { readonly type: "strategic"; readonly body: JsonObject }
  /** Server-side apply, which needs `fieldManager`. `force` takes over what others own with other values. */
  | { readonly type: "apply"; readonly body: JsonObject; readonly force: boolean };

export interface ObjectList<T extends ApiObject = ApiObject> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

export type WatchEvent<T extends ApiObject = ApiObject> =
  | { readonly type: "ADDED" | "DELETED" | "MODIFIED"; readonly object: T }
  /** Nothing changed until this revision. `initialEventsEnd`: everything that existed has now been sent. */
  | {
      readonly type: "BOOKMARK";
      readonly resourceVersion: string;
      readonly initialEventsEnd: boolean;
    };

export interface Transport {
  get(target: Target, options?: GetOptions): Promise<ApiObject>;
  list(target: Target, options?: ListOptions): Promise<ObjectList>;
  /** Ends without error when the signal aborts or the server's time is up; throws Expired when the revision is too old. */
  watch(target: Target, options: WatchOptions, signal: AbortSignal): AsyncIterable<WatchEvent>;
  /** Also for create-only sub-resources: binding and eviction. */
  create(target: Target, object: JsonObject, options?: WriteOptions): Promise<ApiObject>;
  update(target: Target, object: JsonObject, options?: WriteOptions): Promise<ApiObject>;
  patch(target: Target, patch: Patch, options?: WriteOptions): Promise<ApiObject>;
  /** The object as it was last, or as it waits for its finalizers or grace period; a Status when it is gone at once. */
  delete(target: Target, options?: DeleteOptions): Promise<ApiObject | undefined>;
  deleteCollection(target: Target, list: ListOptions, options?: DeleteOptions): Promise<void>;
}
