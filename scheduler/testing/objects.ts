/** Nodes and pods for tests, with only what a test says differing from the plainest there is. */
import type { Draft } from "#proto";
import type { Node, Pod, PodSpec, Taint } from "#proto/core/v1";
import type { Volumes } from "../plugins/volume-binding.ts";

export interface NodeSketch {
  readonly cpu?: string;
  readonly memory?: string;
  readonly pods?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly Taint[];
  readonly unschedulable?: boolean;
  readonly extended?: Readonly<Record<string, string>>;
}

export function node(name: string, sketch: NodeSketch = {}): Node {
  const { cpu = "4", memory = "8Gi", pods = "110", taints, unschedulable, extended } = sketch;
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: meta(name, { "kubernetes.io/hostname": name, ...sketch.labels }),
    spec: {
      ...(taints === undefined ? {} : { taints }),
      ...(unschedulable === undefined ? {} : { unschedulable }),
    },
    status: { allocatable: { cpu, memory, pods, ...extended } },
  } as unknown as Node;
}

export interface PodSketch {
  readonly cpu?: string;
  readonly memory?: string;
  readonly extended?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly namespace?: string;
  readonly priority?: number;
  readonly nodeName?: string;
  readonly spec?: Draft<PodSpec>;
}

export function pod(name: string, sketch: PodSketch = {}): Pod {
  const { cpu, memory, extended, priority, nodeName, namespace = "default" } = sketch;
  const requests = {
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memory }),
    ...extended,
  };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...meta(name, sketch.labels ?? {}), namespace, uid: `${namespace}-${name}` },
    spec: {
      containers: [{ name: "c", image: "app:v1", resources: { requests } }],
      schedulerName: "default-scheduler",
      ...(priority === undefined ? {} : { priority }),
      ...(nodeName === undefined ? {} : { nodeName }),
      ...sketch.spec,
    },
    status: {},
  } as unknown as Pod;
}

function meta(name: string, labels: Readonly<Record<string, string>>): object {
  return {
    name,
    uid: name,
    resourceVersion: "1",
    creationTimestamp: "2026-01-01T00:00:00Z",
    labels,
  };
}

/** A cluster without storage. */
export const NO_VOLUMES: Volumes = {
  claim: () => undefined,
  volume: () => undefined,
  storageClass: () => undefined,
};
