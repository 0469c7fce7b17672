/** Services and slices for tests. */
import type { Service } from "#proto/core/v1";
import type { EndpointSlice } from "#proto/discovery/v1";

export interface ServiceSketch {
  readonly ip: string;
  readonly name?: string;
  readonly nodePort?: number;
  readonly isSticky?: boolean;
  readonly spec?: Partial<Service["spec"]>;
}

export function service(sketch: ServiceSketch): Service {
  const port = { port: 80, protocol: "TCP", targetPort: 8080 } as const;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: metadata(sketch.name ?? "web"),
    spec: {
      clusterIP: sketch.ip,
      ports: [sketch.nodePort === undefined ? port : { ...port, nodePort: sketch.nodePort }],
      ...(sketch.isSticky === true ? { sessionAffinity: "ClientIP" } : {}),
      ...sketch.spec,
    },
    status: { loadBalancer: {} },
  };
}

export function slice(
  ips: readonly string[],
  nodeName: string,
  conditions: EndpointSlice["endpoints"][number]["conditions"] = { ready: true },
): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: metadata("slice"),
    addressType: "IPv4" as EndpointSlice["addressType"],
    endpoints: ips.map((ip) => ({ addresses: [ip], nodeName, conditions })),
    ports: [{ port: 8080, protocol: "TCP" }],
  };
}

function metadata(name: string): Service["metadata"] {
  const creationTimestamp = "2026-01-01T00:00:00Z";
  return { namespace: "default", name, uid: name, resourceVersion: "1", creationTimestamp };
}
