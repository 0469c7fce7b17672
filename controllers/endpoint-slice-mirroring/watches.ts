import { type Client, Controller, type ObjectStore } from "#client";
import { splitKey } from "#lib/api/key";
import { StatusError } from "#lib/status-error";
import type { Endpoints, Service } from "#proto/core/v1";
import type { EndpointSlice } from "#proto/discovery/v1";
import { endpointSlices, endpoints, services } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";
import { isMirrored, type Mirror, planMirror } from "./plan.ts";

const SERVICE_NAME = "kubernetes.io/service-name";
const MANAGED_BY = "endpointslice.kubernetes.io/managed-by";
const MANAGER = "endpointslicemirroring-controller.k8s.io";
const BY_SERVICE = "mirrored";

interface Deps {
  readonly client: Client;
  readonly endpoints: ObjectStore<Endpoints>;
  readonly services: ObjectStore<Service>;
  /** Those of ours, by `namespace/name` of the service. */
  readonly mirrorsOf: (key: string) => readonly EndpointSlice[];
}

/** Keeps slices for Endpoints that were written by hand. */
export function endpointSliceMirroringController(context: ControllerContext): StartedController {
  const { client, informers } = context;
  const slices = informers.of(endpointSlices).store;
  slices.addIndex(BY_SERVICE, (slice) => {
    const key = serviceOf(slice);
    return key === undefined ? [] : [key];
  });
  const deps: Deps = {
    client,
    endpoints: informers.of(endpoints).store,
    services: informers.of(services).store,
    mirrorsOf: (key) => [...slices.by(BY_SERVICE, key)],
  };
  const controller = new Controller({
    ...context,
    name: "endpoint-slice-mirroring",
    reconcile: (key) => reconcile(deps, key),
  });
  informers.of(endpoints).onKey((key) => controller.add(key));
  informers.of(services).onKey((key) => controller.add(key));
  informers.of(endpointSlices).onChange((before, after) => {
    const slice = after ?? before;
    const key = slice === undefined ? undefined : serviceOf(slice);
    if (key !== undefined) controller.add(key);
  });
  return controller;
}

/** Undefined for a slice that is somebody else's. */
function serviceOf({ metadata: { labels = {}, namespace } }: EndpointSlice): string | undefined {
  return labels[MANAGED_BY] === MANAGER ? `${namespace}/${labels[SERVICE_NAME]}` : undefined;
}

async function reconcile(deps: Deps, key: string): Promise<undefined> {
  const found = deps.endpoints.get(key);
  const subsets =
    found !== undefined && isMirrored(found, deps.services.get(key)) ? (found.subsets ?? []) : [];
  const { create, remove, update } = planMirror(subsets, deps.mirrorsOf(key));
  for (const mirror of create) await createSlice(deps.client, key, mirror);
  for (const { existing, mirror } of update)
    await deps.client.update(endpointSlices, { ...existing, endpoints: mirror.endpoints });
  for (const { metadata } of remove) {
    const { name, namespace = "" } = metadata;
    await deps.client.delete(endpointSlices, { namespace, name }).catch(unlessGone);
  }
  return undefined;
}

async function createSlice(client: Client, key: string, mirror: Mirror): Promise<void> {
  const { name, namespace = "" } = splitKey(key);
  await client.create(endpointSlices, {
    metadata: {
      namespace,
      generateName: `${name}-`,
      labels: { [SERVICE_NAME]: name, [MANAGED_BY]: MANAGER },
    },
    ...mirror,
  });
}

function unlessGone(error: unknown): void {
  if (!StatusError.is(error, "NotFound")) throw error;
}
