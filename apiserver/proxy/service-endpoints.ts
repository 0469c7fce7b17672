/** What stands behind a service, for whoever in this process has to speak to it. */
import type { Service } from "#proto/core/v1";
import type { Endpoint, EndpointSlice } from "#proto/discovery/v1";
import { endpointSlices, services } from "#resources";
import type { Reader } from "../chain/steps.ts";

export interface ServicePort {
  readonly namespace: string;
  readonly name: string;
  /** 443 if left out. */
  readonly port?: number;
}

export interface ServiceEndpoint {
  readonly host: string;
  readonly port: number;
  /** Where its pod is, if it is one. */
  readonly pod?: {
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
    readonly node: string;
  };
}

/** Its ready endpoints, at least one. Throws an Error that says what the service lacks. */
export async function serviceEndpoints(
  { name, namespace, port = 443 }: ServicePort,
  reader: Reader,
): Promise<readonly ServiceEndpoint[]> {
  const found = await reader.get(services, namespace, name);
  if (found === undefined) throw new Error(`service "${name}" not found`);
  const { spec } = found.object as Service;
  if (spec?.type === "ExternalName") return [{ host: spec.externalName ?? "", port }];
  const served = spec?.ports?.find((each) => each.port === port);
  if (served === undefined) throw new Error(`no service port ${port} found for service "${name}"`);
  const { items } = await reader.list({
    resource: endpointSlices,
    namespace,
    labelSelector: `kubernetes.io/service-name=${name}`,
  });
  const all = items.flatMap(({ object }) =>
    readyEndpoints(object as EndpointSlice, served.name ?? ""),
  );
  if (all.length === 0) throw new Error(`no endpoints available for service "${name}"`);
  return all;
}

function readyEndpoints(slice: EndpointSlice, portName: string): readonly ServiceEndpoint[] {
  const port = slice.ports?.find((each) => (each.name ?? "") === portName)?.port;
  if (port === undefined) return [];
  return (slice.endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap((endpoint) => {
      const [host] = endpoint.addresses;
      return host === undefined ? [] : [{ host, port, ...podOf(slice, endpoint) }];
    });
}

function podOf(
  { metadata: { namespace = "" } }: EndpointSlice,
  { nodeName, targetRef }: Endpoint,
): Pick<ServiceEndpoint, "pod"> {
  const { kind, name, uid } = targetRef ?? {};
  if (kind !== "Pod" || name === undefined || uid === undefined || nodeName === undefined)
    return {};
  return { pod: { namespace, name, uid, node: nodeName } };
}
