/** What the chain asks of its neighbours. Each verb's file reads as a list of these steps, in their order. */
import type { Clock } from "#lib/clock";
import type { JsonObject, JsonValue } from "#lib/json";
import type { Logger } from "#lib/logger";
import type { Registry } from "#lib/metrics";
import type { Random } from "#lib/random";
import type { StatusCause } from "#lib/status-error";
import type { Resource } from "#resources";
import type { ManagedFields } from "../apply/managers.ts";
import type { Published } from "./published.ts";
import type { ResourceTable } from "./resource-table.ts";

/** Who asks, as authentication found out. */
export interface User {
  readonly name: string;
  readonly groups: readonly string[];
  readonly uid?: string;
  /** What else authentication knows, as `authentication.kubernetes.io/pod-name`. */
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** One question to the authorizer. Either a resource or a path, as `/metrics`. */
export interface AccessRequest {
  readonly user: User;
  readonly verb: string;
  readonly group?: string;
  readonly version?: string;
  /** The plural, as `pods`. */
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly path?: string;
  /** Of a list, a watch or a deletion of many: the fields that all of its objects have. */
  readonly fieldSelector?: string;
}

export type AccessVerdict =
  | { readonly allowed: true; readonly reason?: string }
  | { readonly allowed: false; readonly reason: string };

export interface Authorizer {
  authorize(request: AccessRequest): Promise<AccessVerdict> | AccessVerdict;
}

export interface AdmissionRequest {
  readonly user: User;
  readonly operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  readonly resource: Resource;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** What the route speaks: of `pods/binding` a Binding, of `pods/exec` a PodExecOptions. Absent for DELETE. */
  readonly object?: JsonObject;
  /** Absent for CREATE and CONNECT. */
  readonly oldObject?: JsonObject;
  readonly dryRun: boolean;
  /** As CreateOptions, UpdateOptions or DeleteOptions, for those outside that are asked; empty for CONNECT. */
  readonly options: () => JsonObject;
  readonly warn?: (text: string) => void;
  /** Takes what the audit log should say of how it was decided; there is none when nobody records the request. */
  readonly annotate?: Annotate;
  readonly abandoned?: () => AbortSignal;
}

/** Throws a StatusError to refuse. Writes nothing but what quotas reserve. */
export interface Admission {
  /** Before the object is validated. Gives back what it becomes; undefined when it stays as it is. */
  mutate(request: AdmissionRequest): Promise<JsonObject | undefined> | JsonObject | undefined;
  /** After: nothing is changed any more. */
  validate(request: AdmissionRequest): Promise<void> | undefined;
}

/** What admission may use to decide. */
export interface AdmissionAccess {
  readonly reader: Reader;
  readonly writer: Writer;
  readonly authorizer: Authorizer;
  readonly rules: Rules;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly resources: ResourceTable;
}

/** A question, complete and defaulted: an access review, a token review. */
export interface Question {
  readonly user: User;
  readonly resource: Resource;
  readonly namespace?: string;
  readonly object: JsonObject;
}

/** Answers questions; what comes back is their status. Throws a StatusError for a question that cannot be. */
export interface Reviewer {
  answer(question: Question): Promise<JsonObject>;
}

/** What a token of an account is bound to, besides its account. */
export interface TokenBinding {
  readonly namespace: string;
  readonly serviceaccount: ObjectClaim;
  readonly pod?: ObjectClaim;
  readonly secret?: ObjectClaim;
  readonly node?: ObjectClaim;
}

export interface ObjectClaim {
  readonly name: string;
  readonly uid: string;
}

export interface TokenIssuer {
  /** Who a token is for when nobody is named: this server. */
  readonly audiences: readonly string[];
  issue(
    binding: TokenBinding,
    audiences: readonly string[],
    lifeSeconds: number,
  ): Promise<{ readonly token: string; readonly expiresMs: number }>;
}

/** What the server itself sets, and what may be written: per kind, pure. */
export interface Rules {
  /** Defaults that need code, and what a client may not set on a new object: its status. */
  prepareForCreate(resource: Resource, object: JsonObject): JsonObject;
  /** Keeps of the old object what this route may not change. */
  prepareForUpdate(
    resource: Resource,
    object: JsonObject,
    old: JsonObject,
    subresource: string | undefined,
  ): JsonObject;
  validateCreate(resource: Resource, object: JsonObject): readonly StatusCause[];
  validateUpdate(
    resource: Resource,
    object: JsonObject,
    old: JsonObject,
    subresource: string | undefined,
  ): readonly StatusCause[];
}

export type FieldValidation = "Ignore" | "Strict" | "Warn";

/** Patches, as functions on values. */
export interface Patcher {
  json(document: JsonObject, operations: unknown): JsonObject;
  merge(document: JsonObject, patch: JsonObject): JsonObject;
  strategic(resource: Resource, document: JsonObject, patch: JsonObject): JsonObject;
}

export interface ListQuery {
  readonly resource: Resource;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: "Exact" | "NotOlderThan";
}

export interface PublishedList {
  readonly items: readonly Published[];
  readonly revision: number;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

export interface WatchQuery {
  readonly resource: Resource;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  readonly allowBookmarks?: boolean;
  readonly sendInitialEvents?: boolean;
  /**
   * Events wait for the end of the turn of the loop, so that what is committed together comes in one batch. For clients
   * behind a wire; who decides about access in this process must know of a change before its writer does.
   */
  readonly gathers?: boolean;
  /** Called when what the watch begins with has been taken, before it waits for the first change. */
  readonly started?: () => void;
}

export type PublishedEvent =
  | { readonly type: "ADDED" | "DELETED" | "MODIFIED"; readonly object: Published }
  | { readonly type: "BOOKMARK"; readonly revision: number; readonly initialEventsEnd: boolean };

/** Reads. Every write that was acknowledged before a call is seen by it. */
export interface Reader {
  /** `resourceVersion` is what a client has seen: `0` takes whatever there is, another waits until the answer is as new. */
  get(
    resource: Resource,
    namespace: string | undefined,
    name: string,
    resourceVersion?: string,
  ): Promise<Published | undefined>;
  /** The same as far as it has arrived here, without a look into the store: what is missing may be on its way. */
  known(resource: Resource, namespace: string | undefined, name: string): Published | undefined;
  list(query: ListQuery): Promise<PublishedList>;
  /** Events in batches, as they come; one event object is shared by all watchers that see it. */
  watch(query: WatchQuery, signal: AbortSignal): AsyncIterable<readonly PublishedEvent[]>;
}

export type Commit =
  | {
      readonly kind: "put";
      readonly resource: Resource;
      readonly object: JsonObject;
      /** Who owns its fields, beside the object and not in its metadata. */
      readonly managedFields: ManagedFields;
      /** 0: must not exist. */
      readonly ifRevision: number;
    }
  | { readonly kind: "delete"; readonly published: Published; readonly resource: Resource };

export type CommitResult =
  | { readonly ok: true; readonly published: readonly Published[]; readonly revision: number }
  /** The index of the commit whose comparison failed. */
  | { readonly ok: false; readonly index: number; readonly exists: boolean };

export interface Writer {
  /** All or nothing, durable when it resolves. A deletion's Published is the object as it was last. */
  commit(commits: readonly Commit[]): Promise<CommitResult>;
}

/** Everything that a verb may use. */
export interface Steps {
  readonly authorizer: Authorizer;
  readonly admission: Admission;
  readonly rules: Rules;
  readonly reviewer: Reviewer;
  readonly tokens: TokenIssuer;
  readonly patcher: Patcher;
  readonly reader: Reader;
  readonly writer: Writer;
  readonly resources: ResourceTable;
  readonly clock: Clock;
  readonly random: Random;
  /** Whether an object is to be written anew though nothing of it changes, by its key in the store. */
  readonly isStale?: (key: string) => boolean;
  /** Undefined when nobody else keeps objects. */
  readonly elsewhere?: Elsewhere;
}

/** Kinds whose objects other API servers keep. */
export interface Elsewhere {
  /** Asks for the end of a namespace's objects. Throws a StatusError while some are left, or may be. */
  emptyNamespace(namespace: string): Promise<void>;
}

/** An object as it came: parsed, or still as JSON text, in which duplicate fields can be found. */
export type Body = JsonObject | Uint8Array;

/** `least`: the level of recording from which on it is of interest; `Metadata`, if absent. */
export type Annotate = (key: string, value: string, least?: "Metadata" | "Request") => void;

/** What is recorded of a call, besides who asks for what. */
export interface CallAudit {
  readonly annotate: Annotate;
  /** The answer begins, and goes on for a while. */
  started(code: number): void;
  request(body: Body | JsonValue): void;
  response(object: Published): void;
  responseList(resource: Resource, list: PublishedList): void;
}

/** What every call carries. */
export interface Call {
  readonly user: User;
  readonly resource: Resource;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
  /** Of a read: how new its answer must be at least. */
  readonly resourceVersion?: string;
  readonly dryRun?: boolean;
  readonly fieldValidation?: FieldValidation;
  /** Under which name the caller owns what it writes; without it, that of its user. */
  readonly fieldManager?: string;
  /** Takes what the client should be told though the call succeeds. */
  readonly warn?: (text: string) => void;
  /** Undefined when nobody records the call. */
  readonly audit?: CallAudit;
  /** Aborts when nobody waits for the outcome any more. A function: signals cost more than most calls. */
  readonly abandoned?: () => AbortSignal;
}
