import type { JsonObject } from "#lib/json";
import type { ApiObject, Draft } from "#proto";
import type { Pod } from "#proto/core/v1";
import { apiVersionOf, pods, type Resource } from "#resources";
import type {
  DeleteOptions,
  ListOptions,
  ObjectList,
  Patch,
  Transport,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "./transport/transport.ts";

/** One object among those of its kind. `namespace` is left out for kinds that have none. */
export interface ObjectKey {
  readonly namespace?: string;
  readonly name: string;
}

/** The cluster, typed by kind. Objects that come back are shared and frozen: change a copy. */
export class Client {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async get<T extends ApiObject>(resource: Resource<T>, key: ObjectKey): Promise<T> {
    return (await this.#transport.get({ resource, ...key })) as T;
  }

  async list<T extends ApiObject>(
    resource: Resource<T>,
    scope: { readonly namespace?: string } = {},
    options: ListOptions = {},
  ): Promise<ObjectList<T>> {
    return (await this.#transport.list({ resource, ...scope }, options)) as ObjectList<T>;
  }

  watch<T extends ApiObject>(
    resource: Resource<T>,
    scope: { readonly namespace?: string },
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent<T>> {
    return this.#transport.watch({ resource, ...scope }, options, signal) as AsyncIterable<
      WatchEvent<T>
    >;
  }

  async create<T extends ApiObject>(
    resource: Resource<T>,
    object: Draft<T>,
    options?: WriteOptions,
  ): Promise<T> {
    const draft = typed(resource, object);
    const { namespace } = (draft["metadata"] ?? {}) as { readonly namespace?: string };
    return (await this.#transport.create({ resource, ...scopeOf(namespace) }, draft, options)) as T;
  }

  /** Refused with Conflict when the object has changed since `object` was read. */
  async update<T extends ApiObject>(
    resource: Resource<T>,
    object: T,
    options?: WriteOptions,
  ): Promise<T> {
    return (await this.#transport.update(targetOf(resource, object), asJson(object), options)) as T;
  }

  async updateStatus<T extends ApiObject>(resource: Resource<T>, object: T): Promise<T> {
    const target = { ...targetOf(resource, object), subresource: "status" };
    return (await this.#transport.update(target, asJson(object))) as T;
  }

  async patch<T extends ApiObject>(
    resource: Resource<T>,
    key: ObjectKey,
    patch: Patch,
    options: WriteOptions & { readonly subresource?: string } = {},
  ): Promise<T> {
    const { subresource, ...rest } = options;
    const target = { resource, ...key, ...(subresource === undefined ? {} : { subresource }) };
    return (await this.#transport.patch(target, patch, rest)) as T;
  }

  async delete(resource: Resource, key: ObjectKey, options: DeleteOptions = {}): Promise<void> {
    await this.#transport.delete({ resource, ...key }, options);
  }

  deleteCollection(
    resource: Resource,
    scope: { readonly namespace?: string },
    list: ListOptions = {},
    options: DeleteOptions = {},
  ): Promise<void> {
    return this.#transport.deleteCollection({ resource, ...scope }, list, options);
  }

  /** A write to a sub-resource that takes an object of its own kind. */
  async createSubresource(
    resource: Resource,
    key: ObjectKey,
    subresource: string,
    object: JsonObject,
  ): Promise<ApiObject> {
    return this.#transport.create({ resource, ...key, subresource }, object);
  }

  async getSubresource(
    resource: Resource,
    key: ObjectKey,
    subresource: string,
  ): Promise<ApiObject> {
    return this.#transport.get({ resource, ...key, subresource });
  }

  async updateSubresource(
    resource: Resource,
    key: ObjectKey,
    subresource: string,
    object: JsonObject,
  ): Promise<ApiObject> {
    return this.#transport.update({ resource, ...key, subresource }, object);
  }

  /** Puts a pod on a node, once and for all. */
  async bind(pod: Pod, nodeName: string): Promise<void> {
    const { name, namespace = "", uid } = pod.metadata;
    await this.createSubresource(pods, { namespace, name }, "binding", {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name, namespace, uid },
      target: { apiVersion: "v1", kind: "Node", name: nodeName },
    });
  }
}

function targetOf(resource: Resource, object: ApiObject) {
  const { name, namespace } = object.metadata;
  return { resource, name, ...scopeOf(namespace) };
}

function scopeOf(namespace: string | undefined): { readonly namespace?: string } {
  return namespace === undefined ? {} : { namespace };
}

function typed(resource: Resource, object: unknown): JsonObject {
  const { kind } = resource;
  return { apiVersion: apiVersionOf(resource), kind, ...(object as JsonObject) };
}

function asJson(object: ApiObject): JsonObject {
  return object as unknown as JsonObject;
}
