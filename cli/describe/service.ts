import type { Service } from "#proto/core/v1";
import { keyValues, metadataPairs, type Pairs } from "./common.ts";

/** `addresses`: `ip:port` of the endpoints that are ready. */
export function describeService(service: Service, addresses: readonly string[]): Pairs {
  const { spec } = service;
  return [
    ...metadataPairs(service),
    ["Selector", keyValues(spec.selector)],
    ["Type", spec.type],
    ["IP", spec.clusterIP],
    ["External Name", spec.externalName],
    [
      "Ports",
      (spec.ports ?? []).map(
        (port) =>
          `${port.name ?? "<unnamed>"} ${port.port}/${port.protocol ?? "TCP"} -> ${port.targetPort ?? port.port}${port.nodePort === undefined ? "" : `, node port ${port.nodePort}`}`,
      ),
    ],
    ["Endpoints", addresses],
    ["Session Affinity", spec.sessionAffinity],
  ];
}
