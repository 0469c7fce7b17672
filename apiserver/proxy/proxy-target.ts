/** Where a proxied request goes: a port of a pod, named by the pod itself or by a service, or a node's agent. */
import { StatusError } from "#lib/status-error";
import type { Pod, Service } from "#proto/core/v1";
import type { Endpoint, EndpointSlice } from "#proto/discovery/v1";
import { endpointSlices, nodes, pods } from "#resources";
import { found } from "../chain/get.ts";
import type { Call, Steps } from "../chain/steps.ts";
import { type Place, place } from "./pod-session.ts";

/** A session on a node, and what the server at its end is called. */
export interface ProxyTarget extends Place {
  readonly host: string;
  readonly isSecure: boolean;
}

/** `web`, `web:8080`, `https:web:8443`; a trailing colon says nothing. */
export function parseTarget(segment: string): {
  readonly isSecure: boolean;
  readonly name: string;
  readonly port: string;
} {
  const parts = segment.split(":");
  const [scheme = ""] = parts;
  const hasScheme = parts.length === 3;
  const [name = "", port = ""] = hasScheme ? parts.slice(1) : parts;
  const isKnown = !hasScheme || scheme === "http" || scheme === "https" || scheme === "";
  if (parts.length > 3 || name === "" || !isKnown) {
    throw new StatusError(
      "BadRequest",
      `invalid name ${JSON.stringify(segment)}; write NAME, NAME:PORT or https:NAME:PORT`,
    );
  }
  return { isSecure: scheme === "https" && hasScheme, name, port };
}

export async function proxyTarget(steps: Steps, call: Call): Promise<ProxyTarget> {
  const { isSecure, name, port } = parseTarget(call.name ?? "");
  const { subresource: _, ...named } = { ...call, name };
  const { object } = await found(steps, named);
  switch (call.resource.plural) {
    case "nodes":
      return agentOf(name, port);
    case "services": {
      const endpoint = await endpointOf(steps, named, object as Service, port);
      return { ...portOf(endpoint), isSecure };
    }
    default: {
      const pod = object as Pod;
      return { ...portOf({ pod, port: podPort(pod, port) }), isSecure };
    }
  }
}

/** Clients say over which protocol and port a kubelet is reached; our agents are reached over their tunnels alone. */
function agentOf(node: string, port: string): ProxyTarget {
  if (port !== "" && port !== KUBELET_PORT) {
    const why = `node "${node}" has nothing on port ${JSON.stringify(port)}; leave the port out`;
    throw new StatusError("BadRequest", why, { details: { name: node, kind: nodes.plural } });
  }
  const what = { $case: "nodeApi", value: {} } as const;
  return { node, what: { namespace: "", pod: "", podUid: "", what }, host: node, isSecure: false };
}

const KUBELET_PORT = "10250";

interface PodPort {
  readonly pod: Pod;
  readonly port: number;
}

function portOf({ pod, port }: PodPort): Omit<ProxyTarget, "isSecure"> {
  const host = `${pod.status?.podIP ?? pod.metadata.name}:${port}`;
  return { ...place(pod, { $case: "portForward", value: { port } }), host };
}

/** Without a number: the first that the pod declares, else the scheme's own. */
function podPort(pod: Pod, port: string): number {
  const declared = pod.spec?.containers?.flatMap(({ ports }) => ports ?? []) ?? [];
  const named = declared.find(({ name }) => name !== undefined && name === port);
  const first = declared[0]?.containerPort ?? 80;
  return checkedPort(named?.containerPort ?? (port === "" ? first : Number(port)), port);
}

function checkedPort(port: number, text: string): number {
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new StatusError("BadRequest", `port must be from 1 to 65535: ${JSON.stringify(text)}`);
}

/** Any ready pod behind the service's port. */
async function endpointOf(
  steps: Steps,
  call: Call,
  service: Service,
  wanted: string,
): Promise<PodPort> {
  const { name } = service.metadata;
  const ports = service.spec?.ports ?? [];
  const port =
    wanted === ""
      ? ports[0]
      : ports.find((each) => each.name === wanted || String(each.port) === wanted);
  if (port === undefined) {
    const message = `no service port ${JSON.stringify(wanted)} found for service "${name}"`;
    throw new StatusError("ServiceUnavailable", message);
  }
  const ready = await readyEndpoints(steps, call, name, port.name ?? "");
  const chosen = ready[Math.floor(steps.random.fraction() * ready.length)];
  const podName = chosen?.endpoint.targetRef?.name;
  if (chosen === undefined || podName === undefined) {
    const message = `no endpoints available for service "${name}"`;
    throw new StatusError("ServiceUnavailable", message);
  }
  const pod = (await found(steps, { ...call, resource: pods, name: podName })).object as Pod;
  return { pod, port: chosen.port };
}

interface ReadyEndpoint {
  readonly endpoint: Endpoint;
  readonly port: number;
}

async function readyEndpoints(
  steps: Steps,
  call: Call,
  service: string,
  portName: string,
): Promise<readonly ReadyEndpoint[]> {
  const { items } = await steps.reader.list({
    resource: endpointSlices,
    ...(call.namespace === undefined ? {} : { namespace: call.namespace }),
    labelSelector: `kubernetes.io/service-name=${service}`,
  });
  return items.flatMap(({ object }) => {
    const { endpoints = [], ports = [] } = object as EndpointSlice;
    const port = ports.find(({ name = "" }) => name === portName)?.port;
    if (port === undefined) return [];
    // Only pods can be reached through their node; other addresses are not the cluster's to vouch for.
    return endpoints
      .filter(
        ({ conditions, targetRef }) => conditions?.ready !== false && targetRef?.kind === "Pod",
      )
      .map((endpoint) => ({ endpoint, port }));
  });
}
