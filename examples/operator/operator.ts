/** Keeps a Deployment and a Service for each site, and tells on the site how many of its pods are ready. */
import {
  ApiException,
  AppsV1Api,
  CoreV1Api,
  type KubeConfig,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
  type V1Deployment,
} from "@kubernetes/client-node";
import { type Plan, planSite, READY_ANNOTATION, SITE_LABEL } from "./plan.ts";

const RETRY_MS = 200;

interface Site {
  readonly namespace: string;
  readonly name: string;
}

/** Works until it is disposed of. */
export async function startOperator(config: KubeConfig): Promise<AsyncDisposable> {
  const core = config.makeApiClient(CoreV1Api);
  const apps = config.makeApiClient(AppsV1Api);
  const sites = makeInformer<V1ConfigMap>(
    config,
    "/api/v1/configmaps",
    () => core.listConfigMapForAllNamespaces({ labelSelector: SITE_LABEL }),
    SITE_LABEL,
  );
  const deployments = makeInformer<V1Deployment>(config, "/apis/apps/v1/deployments", () =>
    apps.listDeploymentForAllNamespaces(),
  );
  const queue = new Queue((site) => reconcile(core, apps, site));
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

/** Given a name, never an event: reads everything anew, so that a missed event costs nothing. */
async function reconcile(core: CoreV1Api, apps: AppsV1Api, key: Site): Promise<void> {
  const site = await unlessAbsent(core.readNamespacedConfigMap(key));
  if (site?.metadata?.labels?.[SITE_LABEL] === undefined) return;
  const [deployment, service] = await Promise.all([
    unlessAbsent(apps.readNamespacedDeployment(key)),
    unlessAbsent(core.readNamespacedService(key)),
  ]);
  await carryOut(core, apps, key, planSite({ site, deployment, service }));
}

async function carryOut(core: CoreV1Api, apps: AppsV1Api, key: Site, plan: Plan): Promise<void> {
  const { deployment, ready, service } = plan;
  if (deployment?.metadata?.resourceVersion !== undefined) {
    await apps.replaceNamespacedDeployment({ ...key, body: deployment });
  } else if (deployment !== undefined) {
    await apps.createNamespacedDeployment({ ...key, body: deployment });
  }
  if (service !== undefined) await core.createNamespacedService({ ...key, body: service });
  if (ready !== undefined) {
    const body = { metadata: { annotations: { [READY_ANNOTATION]: ready } } };
    const merge = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
    await core.patchNamespacedConfigMap({ ...key, body }, merge);
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
  readonly #work: (site: Site) => Promise<void>;
  readonly #waiting = new Map<string, Site>();
  #running: Promise<void> | undefined;
  readonly #stop = new AbortController();

  constructor(work: (site: Site) => Promise<void>) {
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

  #retry(site: Site): void {
    const timer = setTimeout(() => this.add(site), RETRY_MS);
    this.#stop.signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  }
}
