/** Follows just those ConfigMaps, Secrets, claims and volumes that pods here name, each once; and their tokens. */
import { Informer, type InformerOptions } from "#client";
import { claimsOf } from "#lib/api/persistent-volume";
import { labelSelectorMatcher } from "#lib/api/selector";
import type { ApiObject } from "#proto";
import type { ClusterTrustBundle } from "#proto/certificates/v1beta1";
import type {
  ClusterTrustBundleProjection,
  ConfigMap,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  Secret,
  ServiceAccountTokenProjection,
} from "#proto/core/v1";
import {
  clusterTrustBundles,
  configMaps,
  persistentVolumeClaims,
  persistentVolumes,
  type Resource,
  secrets,
} from "#resources";
import type { Sources } from "./environment.ts";
import { PodTokens } from "./pod-tokens.ts";
import { referencesOf, trustBundlesOf } from "./references.ts";

interface Watched {
  readonly informer: Informer;
  readonly users: Map<string, () => void>;
  readonly stop: AbortController;
}

export class ObjectWatches {
  readonly #options: InformerOptions;
  readonly #tokens: PodTokens;
  readonly #watched = new Map<string, Watched>();

  constructor(options: InformerOptions) {
    this.#options = options;
    this.#tokens = new PodTokens(options);
  }

  /** Resolves when all that the pod names has been read. `changed` is called for whatever comes later. */
  async follow(pod: Pod, changed: () => void): Promise<void> {
    const { namespace = "", uid } = pod.metadata;
    const refs = referencesOf(pod);
    const keys = [
      ...[...refs.configMaps].map((name) => this.#open(configMaps, namespace, name)),
      ...[...refs.secrets].map((name) => this.#open(secrets, namespace, name)),
      ...trustBundlesOf(pod).map((wanted) => this.#openBundles(wanted)),
    ];
    for (const watched of keys) watched.users.set(uid, changed);
    await Promise.all([
      ...keys.map(({ informer }) => informer.synced),
      ...claimsOf(pod).map((name) => this.#followClaim({ namespace, name }, uid, changed)),
      this.#tokens.follow(pod, changed),
    ]);
  }

  /** The claim, and the volume that it names. */
  async #followClaim(
    claim: { readonly namespace: string; readonly name: string },
    uid: string,
    changed: () => void,
  ): Promise<void> {
    const watched = this.#open(persistentVolumeClaims, claim.namespace, claim.name);
    watched.users.set(uid, changed);
    await watched.informer.synced;
    const volume = this.#volumeName(claim.namespace, claim.name);
    if (volume === "") return;
    const other = this.#open(persistentVolumes, "", volume);
    other.users.set(uid, changed);
    await other.informer.synced;
  }

  #volumeName(namespace: string, claim: string): string {
    const found = this.#find(persistentVolumeClaims, namespace, claim);
    return (found as PersistentVolumeClaim | undefined)?.spec.volumeName ?? "";
  }

  unfollow(uid: string): void {
    this.#tokens.unfollow(uid);
    for (const [key, watched] of this.#watched) {
      if (!watched.users.delete(uid) || watched.users.size > 0) continue;
      watched.stop.abort();
      this.#watched.delete(key);
    }
  }

  sources(namespace: string): Sources {
    return {
      configMap: (name) => this.#find(configMaps, namespace, name) as ConfigMap | undefined,
      secret: (name) => this.#find(secrets, namespace, name) as Secret | undefined,
    };
  }

  /** The volume that a claim is bound to. */
  claimed(namespace: string, claim: string): PersistentVolume | undefined {
    const name = this.#volumeName(namespace, claim);
    return this.#find(persistentVolumes, "", name) as PersistentVolume | undefined;
  }

  /** Those of a name, or of a signer with labels; without a selector a signer's are none. */
  trustBundles(wanted: ClusterTrustBundleProjection): readonly ClusterTrustBundle[] {
    const { store } = this.#watched.get(bundlesKey(wanted))?.informer ?? {};
    const all = [...(store?.values() ?? [])] as ClusterTrustBundle[];
    const matches = labelSelectorMatcher(wanted.labelSelector);
    return wanted.name === undefined ? all.filter(({ metadata }) => matches(metadata.labels)) : all;
  }

  /** Throws an Error that says why there is none. */
  token(uid: string, wanted: ServiceAccountTokenProjection): string {
    return this.#tokens.token(uid, wanted);
  }

  close(): void {
    this.#tokens.close();
    for (const { stop } of this.#watched.values()) stop.abort();
    this.#watched.clear();
  }

  #find({ plural }: Resource, namespace: string, name: string): ApiObject | undefined {
    const key = namespace === "" ? name : `${namespace}/${name}`;
    return this.#watched.get(`${plural}/${namespace}/${name}`)?.informer.store.get(key);
  }

  /** Of a kind without namespaces, `namespace` is "". */
  #open(resource: Resource, namespace: string, name: string): Watched {
    const key = `${resource.plural}/${namespace}/${name}`;
    return this.#openAs(key, resource, {
      ...(namespace === "" ? {} : { namespace }),
      fieldSelector: `metadata.name=${name}`,
    });
  }

  #openBundles(wanted: ClusterTrustBundleProjection): Watched {
    const { name, signerName = "" } = wanted;
    const fieldSelector =
      name === undefined ? `spec.signerName=${signerName}` : `metadata.name=${name}`;
    return this.#openAs(bundlesKey(wanted), clusterTrustBundles, { fieldSelector });
  }

  #openAs(
    key: string,
    resource: Resource,
    scope: { readonly namespace?: string; readonly fieldSelector: string },
  ): Watched {
    const known = this.#watched.get(key);
    if (known !== undefined) return known;
    const informer = new Informer(resource, scope, this.#options);
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

function bundlesKey({ name, signerName = "" }: ClusterTrustBundleProjection): string {
  return `${clusterTrustBundles.plural}/${name === undefined ? `signer/${signerName}` : `name/${name}`}`;
}
