import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from "#proto/apps/v1";
import type { PodTemplateSpec, ReplicationController } from "#proto/core/v1";
import type { LabelSelector } from "#proto/meta/v1";
import type { Described } from "../print/description.ts";
import { conditionPairs, keyValues, metadataPairs, type Pairs } from "./common.ts";
import { describeContainer } from "./pod.ts";

export function describeDeployment(deployment: Deployment): Pairs {
  const { spec, status } = deployment;
  const { rollingUpdate } = spec.strategy;
  return [
    ...metadataPairs(deployment),
    ["Selector", selector(spec.selector)],
    [
      "Replicas",
      `${spec.replicas ?? 1} desired | ${status.updatedReplicas ?? 0} updated | ${status.replicas ?? 0} total | ${status.availableReplicas ?? 0} available | ${status.unavailableReplicas ?? 0} unavailable`,
    ],
    ["Strategy", spec.strategy.type],
    ["Min Ready Seconds", String(spec.minReadySeconds ?? 0)],
    [
      "Rolling Update",
      rollingUpdate &&
        `${rollingUpdate.maxUnavailable} max unavailable, ${rollingUpdate.maxSurge} max surge`,
    ],
    ["Paused", spec.paused === true ? "yes" : undefined],
    ["Pod Template", template(spec.template)],
    ["Conditions", conditionPairs(status.conditions)],
  ];
}

export function describeReplicaSet(set: ReplicaSet): Pairs {
  const { spec, status } = set;
  return [
    ...metadataPairs(set),
    ["Selector", selector(spec.selector)],
    [
      "Replicas",
      `${status.replicas} current / ${spec.replicas ?? 1} desired, ${status.readyReplicas ?? 0} ready`,
    ],
    ["Pod Template", spec.template && template(spec.template)],
    ["Conditions", conditionPairs(status.conditions)],
  ];
}

export function describeReplicationController(controller: ReplicationController): Pairs {
  const { spec } = controller;
  const matchLabels = spec.selector ?? {};
  return describeReplicaSet({
    ...controller,
    spec: { ...spec, selector: { matchLabels } },
  } as ReplicaSet);
}

export function describeDaemonSet(set: DaemonSet): Pairs {
  const { spec, status } = set;
  return [
    ...metadataPairs(set),
    ["Selector", selector(spec.selector)],
    ["Node-Selector", keyValues(spec.template.spec.nodeSelector)],
    ["Desired Nodes", String(status.desiredNumberScheduled)],
    ["Up-to-date", String(status.updatedNumberScheduled ?? 0)],
    ["Available", String(status.numberAvailable ?? 0)],
    ["Misscheduled", String(status.numberMisscheduled)],
    ["Pod Template", template(spec.template)],
    ["Conditions", conditionPairs(status.conditions)],
  ];
}

export function describeStatefulSet(set: StatefulSet): Pairs {
  const { spec, status } = set;
  const { rollingUpdate, type } = spec.updateStrategy;
  return [
    ...metadataPairs(set),
    ["Selector", selector(spec.selector)],
    ["Service Name", spec.serviceName],
    [
      "Replicas",
      `${spec.replicas ?? 1} desired | ${status.replicas} total | ${status.readyReplicas ?? 0} ready | ${status.updatedReplicas ?? 0} updated`,
    ],
    ["Pod Management Policy", spec.podManagementPolicy],
    ["Update Strategy", type],
    ["Partition", rollingUpdate && String(rollingUpdate.partition ?? 0)],
    ["Current Revision", status.currentRevision],
    ["Update Revision", status.updateRevision],
    ["Pod Template", template(spec.template)],
    ["Conditions", conditionPairs(status.conditions)],
  ];
}

export function template({ metadata, spec }: PodTemplateSpec): Pairs {
  return [
    ["Labels", keyValues(metadata.labels)],
    ["Annotations", keyValues(metadata.annotations)],
    [
      "Containers",
      spec.containers.map((each): readonly [string, Described] => [
        each.name,
        describeContainer(each),
      ]),
    ],
  ];
}

export function selector(of: LabelSelector | undefined): string {
  const expressions = (of?.matchExpressions ?? []).map(
    ({ key, operator, values }) =>
      `${key} ${operator}${values === undefined ? "" : ` (${values.join(", ")})`}`,
  );
  return [...keyValues(of?.matchLabels), ...expressions].join(",") || "<none>";
}
