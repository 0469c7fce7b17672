/** Follows just those ConfigMaps and Secrets that pods here name; each once, for as long as one does. */
import { Informer, type InformerOptions } from "#client";
import type { ConfigMap, Pod, Secret } from "#proto/core/v1";
import { configMaps, type Resource, secrets } from "#resources";
import type { Sources } from "./environment.ts";
import { referencesOf } from "./references.ts";

interface Watched {
  readonly informer: Informer<ConfigMap> | Informer<Secret>;
  readonly users: Map<string, () => void>;
  readonly stop: AbortController;
}

export class ObjectWatches {
  readonly #options: InformerOptions;
  readonly #watched = new Map<string, Watched>();

  constructor(options: InformerOptions) {
    this.#options = options;
  }

  /** Resolves when all that the pod names has been read. `changed` is called for whatever comes later. */
  async follow(pod: Pod, changed: () => void): Promise<void> {
    const { namespace = "", uid } = pod.metadata;
    const refs = referencesOf(pod);
    const keys = [
      ...[...refs.configMaps].map((name) => this.#open(configMaps, namespace, name)),
      ...[...refs.secrets].map((name) => this.#open(secrets, namespace, name)),
    ];
    for (const watched of keys) watched.users.set(uid, changed);
    await Promise.all(keys.map(({ informer }) => informer.synced));
  }

  unfollow(uid: string): void {
    for (const [key, watched] of this.#watched) {
      if (!watched.users.delete(uid) || watched.users.size > 0) continue;
      watched.stop.abort();
      this.#watched.delete(key);
    }
  }

  sources(namespace: string): Sources {
    const find = (plural: string, name: string) =>
      this.#watched
        .get(`${plural}/${namespace}/${name}`)
        ?.informer.store.get(`${namespace}/${name}`);
    return {
      configMap: (name) => find(configMaps.plural, name) as ConfigMap | undefined,
      secret: (name) => find(secrets.plural, name) as Secret | undefined,
    };
  }

  close(): void {
    for (const { stop } of this.#watched.values()) stop.abort();
    this.#watched.clear();
  }

  #open(
    resource: Resource<ConfigMap> | Resource<Secret>,
    namespace: string,
    name: string,
  ): Watched {
    const key = `${resource.plural}/${namespace}/${name}`;
    const known = this.#watched.get(key);
    if (known !== undefined) return known;
    const scope = { namespace, fieldSelector: `metadata.name=${name}` };
    const informer = new Informer<ConfigMap>(resource as Resource<ConfigMap>, scope, this.#options);
    const watched: Watched = { informer, users: new Map(), stop: new AbortController() };
    this.#watched.set(key, watched);
    informer.onKey(() => {
      for (const changed of watched.users.values()) changed();
    });
    // It never rejects, and ends by `stop`.
    void informer.run(watched.stop.signal);
    return watched;
  }
}
