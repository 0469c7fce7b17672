import { heldRequests } from "#lib/api/pod-resources";
import type { ContainerPort, Pod, Toleration } from "#proto/core/v1";
import type { PodAffinity } from "./affinity-term.ts";
import { compileAffinity } from "./compile-affinity.ts";
import { amountOf } from "./node-info.ts";

export type Labels = Readonly<Record<string, string>>;

/** A pod as the scheduler needs it: everything parsed, once. */
export interface PodInfo {
  readonly pod: Pod;
  readonly uid: string;
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly labels: Labels;
  readonly priority: number;
  /** By resource, with `pods` for the place it takes; units as in ResourceColumns. */
  readonly requests: ReadonlyMap<string, number>;
  readonly hostPorts: readonly HostPort[];
  readonly tolerations: readonly Toleration[];
  readonly affinity: PodAffinity;
  /** Pods with the same text are treated alike by everything that looks at nodes' labels and taints only. */
  readonly staticClass: string;
}

export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

const known = new WeakMap<Pod, PodInfo>();

/** Parsed once per version of the object: published objects never change. */
export function podInfo(pod: Pod): PodInfo {
  let info = known.get(pod);
  if (info === undefined) {
    info = parse(pod);
    known.set(pod, info);
  }
  return info;
}

function parse(pod: Pod): PodInfo {
  const { metadata, spec } = pod;
  const namespace = metadata.namespace ?? "";
  const requests = new Map<string, number>([["pods", 1]]);
  for (const [resource, quantity] of Object.entries(heldRequests(pod))) {
    requests.set(resource, amountOf(resource, quantity));
  }
  return {
    pod,
    uid: metadata.uid,
    key: `${namespace}/${metadata.name}`,
    namespace,
    labels: metadata.labels ?? {},
    priority: spec.priority ?? 0,
    requests,
    hostPorts: hostPortsOf(pod),
    tolerations: spec.tolerations ?? [],
    affinity: compileAffinity(pod),
    staticClass: JSON.stringify([
      spec.nodeSelector,
      spec.affinity?.nodeAffinity,
      spec.tolerations,
      spec.nodeName,
    ]),
  };
}

function hostPortsOf(pod: Pod): HostPort[] {
  const { containers, initContainers = [], hostNetwork = false } = pod.spec;
  const sidecars = initContainers.filter((each) => each.restartPolicy === "Always");
  return [...containers, ...sidecars]
    .flatMap((container) => container.ports ?? [])
    .map((port) => hostPort(port, hostNetwork))
    .filter((port) => port.port > 0);
}

function hostPort(port: ContainerPort, hostNetwork: boolean): HostPort {
  return {
    ip: port.hostIP ?? "",
    protocol: port.protocol ?? "TCP",
    // With the node's own network every container port is a port of the node.
    port: port.hostPort ?? (hostNetwork ? port.containerPort : 0),
  };
}
