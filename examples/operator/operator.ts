/** Keeps a Deployment and a Service for each site, and tells on the site how many of its pods are ready. */
import {
  ApiException,
  AppsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  type KubeConfig,
  type KubernetesListObject,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1Deployment,
} from "@kubernetes/client-node";
import { type Plan, planSite, SITES, type Site } from "./plan.ts";

const PATH = `/apis/${SITES.group}/${SITES.version}/${SITES.plural}`;
const RETRY_MS = 200;

interface Key {
  readonly namespace: string;
  readonly name: string;
}

interface Apis {
  readonly apps: AppsV1Api;
  readonly core: CoreV1Api;
  readonly custom: CustomObjectsApi;
}

/** Works until it is disposed of. */
export async function startOperator(config: KubeConfig): Promise<AsyncDisposable> {
  const apis: Apis = {
    apps: config.makeApiClient(AppsV1Api),
    core: config.makeApiClient(CoreV1Api),
    custom: config.makeApiClient(CustomObjectsApi),
  };
  const sites = makeInformer<Site>(config, PATH, () => listSites(apis));
  const deployments = makeInformer<V1Deployment>(config, "/apis/apps/v1/deployments", () =>
    apis.apps.listDeploymentForAllNamespaces(),
  );
  const queue = new Queue((key) => reconcile(apis, key));
  for (const event of ["add", "update", "delete"] as const) {
    sites.on(event, ({ metadata = {} }) => queue.add(metadata));
    deployments.on(event, ({ metadata = {} }) => queue.add(metadata));
  }
  await Promise.all([sites.start(), deployments.start()]);
  return {
    [Symbol.asyncDispose]: async () => {
      await Promise.all([sites.stop(), deployments.stop()]);
      await queue.close();
    },
  };
}

/** The library knows a custom kind as any object. */
function listSites({ custom }: Apis): Promise<KubernetesListObject<Site>> {
  return custom.listCustomObjectForAllNamespaces({ ...SITES, resourcePlural: SITES.plural });
}

/** Given a name, never an event: reads everything anew, so that a missed event costs nothing. */
async function reconcile(apis: Apis, key: Key): Promise<void> {
  const reading: Promise<Site> = apis.custom.getNamespacedCustomObject({ ...SITES, ...key });
  const site = await unlessAbsent(reading);
  if (site === undefined) return; // Deleted; what it owned goes by garbage collection.
  const [deployment, service] = await Promise.all([
    unlessAbsent(apis.apps.readNamespacedDeployment(key)),
    unlessAbsent(apis.core.readNamespacedService(key)),
  ]);
  await carryOut(apis, key, planSite({ site, deployment, service }));
}

async function carryOut({ apps, core, custom }: Apis, key: Key, plan: Plan): Promise<void> {
  const { deployment, ready, service } = plan;
  if (deployment?.metadata?.resourceVersion !== undefined) {
    await apps.replaceNamespacedDeployment({ ...key, body: deployment });
  } else if (deployment !== undefined) {
    await apps.createNamespacedDeployment({ ...key, body: deployment });
  }
  if (service !== undefined) await core.createNamespacedService({ ...key, body: service });
  if (ready !== undefined) {
    const merge = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
    const body = { status: { ready } };
    await custom.patchNamespacedCustomObjectStatus({ ...SITES, ...key, body }, merge);
  }
}

async function unlessAbsent<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof ApiException && error.code === 404) return undefined;
    throw error;
  }
}

const RACES: readonly number[] = [404, 409];

function isRace(error: unknown): boolean {
  return error instanceof ApiException && RACES.includes(error.code);
}

/** Each site once at a time; one that failed, or changed meanwhile, again. */
class Queue {
  readonly #work: (key: Key) => Promise<void>;
  readonly #waiting = new Map<string, Key>();
  #running: Promise<void> | undefined;
  readonly #stop = new AbortController();

  constructor(work: (key: Key) => Promise<void>) {
    this.#work = work;
  }

  add({ name = "", namespace = "" }: { readonly name?: string; readonly namespace?: string }) {
    if (this.#stop.signal.aborted) return;
    this.#waiting.set(`${namespace}/${name}`, { name, namespace });
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    // What comes in this same turn goes along.
    await Promise.resolve();
    for (const [key, site] of this.#waiting) {
      if (this.#stop.signal.aborted) return;
      this.#waiting.delete(key);
      try {
        await this.#work(site);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        // Somebody wrote or deleted meanwhile: no failure, the next try reads what is then there.
        if (!isRace(error)) console.error(`site ${key}:`, error);
        this.#retry(site);
      }
    }
  }

  #retry(site: Key): void {
    const timer = setTimeout(() => this.add(site), RETRY_MS);
    this.#stop.signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  }
}
