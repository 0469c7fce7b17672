/** Whether the service that an APIService names can have somebody behind it. Pure, with Kubernetes' reasons. */
import type { ServiceReference } from "#proto/apiregistration/v1";
import type { Service } from "#proto/core/v1";
import type { EndpointSlice } from "#proto/discovery/v1";
import { type Availability, unavailable } from "./conditions.ts";

/** Undefined when nothing speaks against it. */
export function serviceProblem(
  { name = "", namespace = "", port = 443 }: ServiceReference,
  service: Service | undefined,
  slices: readonly EndpointSlice[],
): Availability | undefined {
  const where = `service/${name} in "${namespace}"`;
  if (service === undefined) return unavailable("ServiceNotFound", `${where} is not present`);
  const { ports = [], type = "ClusterIP" } = service.spec ?? {};
  // Of other types nothing is known here but what they answer.
  if (type !== "ClusterIP") return undefined;
  const served = ports.find((each) => each.port === port);
  if (served === undefined)
    return unavailable("ServicePortError", `${where} is not listening on port ${port}`);
  if (slices.length === 0)
    return unavailable("EndpointsNotFound", `cannot find endpointslices for ${where}`);
  const portName = served.name ?? "";
  if (slices.some((slice) => hasReadyEndpoint(slice, portName))) return undefined;
  const why = `endpointslices for ${where} have no addresses with port name "${portName}"`;
  return unavailable("MissingEndpoints", why);
}

function hasReadyEndpoint(
  { endpoints = [], ports = [] }: EndpointSlice,
  portName: string,
): boolean {
  const hasPort = ports.some(({ name = "", port }) => name === portName && port !== undefined);
  return hasPort && endpoints.some(({ conditions }) => conditions?.ready !== false);
}
