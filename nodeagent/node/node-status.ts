/** A node's status as its agent writes it. Pure. */
import { findCondition } from "#lib/api/condition";
import { formatTime } from "#lib/api/time";
import type { Node, NodeCondition, NodeStatus } from "#proto/core/v1";
import type { Image } from "../images/image-service.ts";
import { allocatable, capacity, type MachineFacts } from "./facts.ts";
import type { Pressure } from "./pressure.ts";

export interface StatusInputs {
  readonly facts: MachineFacts;
  readonly name: string;
  readonly ip: string;
  readonly pressure: Pressure;
  /** Why no pods can be run; undefined when they can. */
  readonly notReady: string | undefined;
  readonly images: readonly Image[];
  readonly nowMs: number;
  readonly before: Node | undefined;
}

/** kubelet's limit: the status is written often. */
const IMAGES_MAX = 50;

export function nodeStatus(inputs: StatusInputs): Omit<NodeStatus, "daemonEndpoints"> {
  const { facts, name, ip, images } = inputs;
  return {
    capacity: capacity(facts),
    allocatable: allocatable(facts),
    addresses: [
      { type: "InternalIP", address: ip },
      { type: "Hostname", address: name },
    ],
    nodeInfo: facts.info,
    conditions: conditions(inputs),
    images: images
      .toSorted((a, b) => b.sizeBytes - a.sizeBytes)
      .slice(0, IMAGES_MAX)
      .map((image) => ({
        names: [...image.digests, ...image.references],
        sizeBytes: image.sizeBytes,
      })),
  };
}

function conditions(inputs: StatusInputs): readonly NodeCondition[] {
  const { pressure, notReady } = inputs;
  const lack = (type: string, has: boolean, words: readonly [string, string]): NodeCondition => ({
    type,
    status: has ? "True" : "False",
    reason: `KubeletHas${has ? words[1] : words[0]}`,
    message: `agent has ${has ? "" : "no "}${type}`,
  });
  const all: readonly NodeCondition[] = [
    lack("MemoryPressure", pressure.memory, ["SufficientMemory", "InsufficientMemory"]),
    lack("DiskPressure", pressure.disk, ["NoDiskPressure", "DiskPressure"]),
    lack("PIDPressure", pressure.pid, ["SufficientPID", "InsufficientPID"]),
    notReady === undefined
      ? {
          type: "Ready",
          status: "True",
          reason: "KubeletReady",
          message: "agent is posting ready status",
        }
      : { type: "Ready", status: "False", reason: "KubeletNotReady", message: notReady },
  ];
  const now = formatTime(inputs.nowMs);
  return all.map((condition) => {
    const old = findCondition(inputs.before?.status.conditions, condition.type);
    const since = old?.status === condition.status ? old.lastTransitionTime : undefined;
    return { ...condition, lastHeartbeatTime: now, lastTransitionTime: since ?? now };
  });
}

/** Without what changes by itself: whether there is news to tell. */
export function statusDigest(status: Omit<NodeStatus, "daemonEndpoints">): string {
  const steady = (status.conditions ?? []).map(({ type, status: is, reason, message }) => ({
    type,
    is,
    reason,
    message,
  }));
  return JSON.stringify({ ...status, conditions: steady });
}
