/** ComponentStatuses are made when they are read, of what can be known of the cluster's programs just then. */
import { parseTime } from "#lib/api/time";
import type { Clock } from "#lib/clock";
import type { JsonObject } from "#lib/json";
import type { Lease } from "#proto/coordination/v1";
import { apiVersionOf, componentStatuses, leases } from "#resources";
import { Published } from "../chain/published.ts";
import { selectionOf } from "../chain/selection.ts";
import type { Reader } from "../chain/steps.ts";
import type { Store } from "../storage/store.ts";

/** Kubernetes' names of the programs, and the leases by which one of several leads. */
const LEASES: Readonly<Record<string, string>> = {
  "controller-manager": "naru-controllers",
  scheduler: "naru-scheduler",
};
const LEASE_NAMESPACE = "kube-system";
const MS = 1000;

export interface Components {
  readonly store: Pick<Store, "revision">;
  readonly clock: Clock;
  /** Those of the above that run in this process, and end with it. They need no lease. */
  readonly inProcess: readonly string[];
}

export function withComponentStatuses(objects: Reader, components: Components): Reader {
  return {
    get: async (resource, namespace, name, resourceVersion) => {
      if (resource !== componentStatuses)
        return objects.get(resource, namespace, name, resourceVersion);
      const all = await statusesOf(objects, components);
      return all.find(({ object }) => object.metadata.name === name);
    },
    known: (resource, namespace, name) => objects.known(resource, namespace, name),
    list: async (query) => {
      if (query.resource !== componentStatuses) return objects.list(query);
      const wanted = selectionOf(query);
      const all = await statusesOf(objects, components);
      const items = wanted === undefined ? all : all.filter(({ object }) => wanted(object));
      return { items, revision: await components.store.revision() };
    },
    // They have not the verb.
    watch: (query, signal) => objects.watch(query, signal),
  };
}

async function statusesOf(reader: Reader, components: Components): Promise<readonly Published[]> {
  const { clock, inProcess, store } = components;
  const checks: Readonly<Record<string, () => Promise<string | undefined>>> = {
    "controller-manager": () => leaseProblem(reader, clock, "controller-manager"),
    "etcd-0": () => storeProblem(store),
    scheduler: () => leaseProblem(reader, clock, "scheduler"),
  };
  return Promise.all(
    Object.entries(checks).map(async ([name, check]) =>
      statusOf(name, inProcess.includes(name) ? undefined : await check()),
    ),
  );
}

async function storeProblem(store: Components["store"]): Promise<string | undefined> {
  try {
    await store.revision();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function leaseProblem(
  reader: Reader,
  clock: Clock,
  component: string,
): Promise<string | undefined> {
  const name = LEASES[component] ?? "";
  const published = await reader.get(leases, LEASE_NAMESPACE, name);
  const what = `the lease ${LEASE_NAMESPACE}/${name}`;
  if (published === undefined) return `nobody holds ${what}`;
  const {
    holderIdentity,
    leaseDurationSeconds = 0,
    renewTime,
  } = (published.object as Lease).spec ?? {};
  const untilMs = (parseTime(renewTime) ?? 0) + leaseDurationSeconds * MS;
  if (!holderIdentity) return `nobody holds ${what}`;
  return untilMs >= clock.nowMs() ? undefined : `${what} of ${holderIdentity} has run out`;
}

function statusOf(name: string, problem: string | undefined): Published {
  const condition =
    problem === undefined
      ? { type: "Healthy", status: "True", message: "ok" }
      : { type: "Healthy", status: "False", message: problem, error: problem };
  const object = {
    apiVersion: apiVersionOf(componentStatuses),
    kind: componentStatuses.kind,
    metadata: { name },
    conditions: [condition],
  } satisfies JsonObject;
  return Published.unsaved(object);
}
