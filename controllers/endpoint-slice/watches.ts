import { Controller } from "#client";
import { keyOf } from "#lib/api/key";
import { requirementsMatcher } from "#lib/api/selector";
import type { Pod, Service } from "#proto/core/v1";
import { endpointSlices, endpoints, pods, services } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";
import { hasSelector, reconcileEndpointSlices, SERVICE_NAME } from "./reconcile.ts";

const BY_SERVICE = "service";
const BY_NAMESPACE = "namespace";

export function endpointSliceController(context: ControllerContext): StartedController {
  const { informers } = context;
  const allServices = informers.of(services).store;
  const allPods = informers.of(pods).store;
  const slices = informers.of(endpointSlices).store;
  allServices.addIndex(BY_NAMESPACE, ({ metadata }) => [metadata.namespace ?? ""]);
  allPods.addIndex(BY_NAMESPACE, ({ metadata }) => [metadata.namespace ?? ""]);
  slices.addIndex(BY_SERVICE, ({ metadata }) => {
    const service = metadata.labels?.[SERVICE_NAME];
    return service === undefined ? [] : [`${metadata.namespace}/${service}`];
  });
  const deps = {
    client: context.client,
    services: allServices,
    endpoints: informers.of(endpoints).store,
    slicesOf: (key: string) => [...slices.by(BY_SERVICE, key)],
    podsOf: (service: Service) =>
      [...allPods.by(BY_NAMESPACE, service.metadata.namespace ?? "")].filter((pod) =>
        selects(service, pod),
      ),
  };
  const controller = new Controller({
    ...context,
    name: "endpoint-slice",
    reconcile: (key) => reconcileEndpointSlices(deps, key),
  });
  informers.of(services).onKey((key) => controller.add(key));
  informers.of(endpointSlices).onChange((before, after) => {
    const { labels, namespace } = (after ?? before)?.metadata ?? {};
    const service = labels?.[SERVICE_NAME];
    if (service !== undefined) controller.add(`${namespace}/${service}`);
  });
  informers.of(pods).onChange((before, after) => {
    if (!matters(before, after)) return;
    const namespace = (after ?? before)?.metadata.namespace ?? "";
    for (const service of allServices.by(BY_NAMESPACE, namespace)) {
      const concerns = [before, after].some((pod) => pod !== undefined && selects(service, pod));
      if (concerns) controller.add(keyOf(service));
    }
  });
  return controller;
}

function selects(service: Service, pod: Pod): boolean {
  if (!hasSelector(service)) return false;
  const requirements = Object.entries(service.spec.selector ?? {}).map(
    ([key, value]) => ({ key, operator: "In", values: [value] }) as const,
  );
  return requirementsMatcher(requirements)(pod.metadata.labels);
}

/** Most updates of pods change nothing that an endpoint shows. */
function matters(before: Pod | undefined, after: Pod | undefined): boolean {
  if (before === undefined || after === undefined) return true;
  return shown(before) !== shown(after);
}

function shown({ metadata, spec, status }: Pod): string {
  const ready = status.conditions?.find((each) => each.type === "Ready")?.status;
  return JSON.stringify([
    metadata.labels,
    metadata.deletionTimestamp !== undefined,
    status.podIP,
    status.phase,
    ready,
    spec.nodeName,
  ]);
}
