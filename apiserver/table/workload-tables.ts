import { labelSelectorToString } from "#lib/api/selector";
import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  ReplicaSet,
  StatefulSet,
} from "#proto/apps/v1";
import type { PodTemplate, PodTemplateSpec, ReplicationController } from "#proto/core/v1";
import type { PodDisruptionBudget } from "#proto/policy/v1";
import { age } from "./duration.ts";
import type { KindTable, Row } from "./table.ts";

export const TEMPLATE_COLUMNS = ["+Containers", "+Images", "+Selector"];

const deployment: KindTable = {
  columns: ["Name", "Ready", "Up-to-date", "Available", "Age", ...TEMPLATE_COLUMNS],
  row: (object, nowMs) => {
    const { metadata, spec, status } = object as Deployment;
    return {
      cells: [
        metadata.name,
        `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 1}`,
        status?.updatedReplicas ?? 0,
        status?.availableReplicas ?? 0,
        age(metadata.creationTimestamp, nowMs),
        ...templateCells(spec?.template, spec?.selector),
      ],
    };
  },
};

const replicaSet: KindTable = {
  columns: [
    "Name",
    "Desired:integer",
    "Current:integer",
    "Ready:integer",
    "Age",
    ...TEMPLATE_COLUMNS,
  ],
  row: (object, nowMs) => {
    const { spec } = object as ReplicaSet;
    return replicaRow(object as ReplicaSet, nowMs, spec?.selector);
  },
};

const replicationController: KindTable = {
  columns: replicaSet.columns,
  row: (object, nowMs) => {
    const matchLabels = (object as ReplicationController).spec?.selector ?? {};
    return replicaRow(object as ReplicationController, nowMs, { matchLabels });
  },
};

function replicaRow(
  { metadata, spec, status }: ReplicaSet | ReplicationController,
  nowMs: number,
  selector: Selector | undefined,
): Row {
  return {
    cells: [
      metadata.name,
      spec?.replicas ?? 1,
      status?.replicas ?? 0,
      status?.readyReplicas ?? 0,
      age(metadata.creationTimestamp, nowMs),
      ...templateCells(spec?.template, selector),
    ],
  };
}

const podTemplate: KindTable = {
  columns: ["Name", "Containers", "Images", "Pod Labels"],
  row: (object) => {
    const { metadata, template } = object as PodTemplate;
    const cells = templateCells(template, undefined).slice(0, 2);
    return { cells: [metadata.name, ...cells, labelText(template?.metadata?.labels)] };
  },
};

const daemonSet: KindTable = {
  columns: [
    "Name",
    "Desired:integer",
    "Current:integer",
    "Ready:integer",
    "Up-to-date:integer",
    "Available:integer",
    "Node Selector",
    "Age",
    ...TEMPLATE_COLUMNS,
  ],
  row: (object, nowMs) => {
    const { metadata, spec, status } = object as DaemonSet;
    return {
      cells: [
        metadata.name,
        status?.desiredNumberScheduled ?? 0,
        status?.currentNumberScheduled ?? 0,
        status?.numberReady ?? 0,
        status?.updatedNumberScheduled ?? 0,
        status?.numberAvailable ?? 0,
        labelText(spec?.template?.spec?.nodeSelector),
        age(metadata.creationTimestamp, nowMs),
        ...templateCells(spec?.template, spec?.selector),
      ],
    };
  },
};

const statefulSet: KindTable = {
  columns: ["Name", "Ready", "Age", "+Containers", "+Images"],
  row: (object, nowMs) => {
    const { metadata, spec, status } = object as StatefulSet;
    return {
      cells: [
        metadata.name,
        `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 1}`,
        age(metadata.creationTimestamp, nowMs),
        ...templateCells(spec?.template, spec?.selector).slice(0, 2),
      ],
    };
  },
};

const controllerRevision: KindTable = {
  columns: ["Name", "Controller", "Revision", "Age"],
  row: (object, nowMs) => {
    const { metadata, revision } = object as ControllerRevision;
    const owner = metadata.ownerReferences?.find((reference) => reference.controller);
    const [group = ""] = owner?.apiVersion.split("/") ?? [];
    const isGrouped = owner?.apiVersion.includes("/");
    const controller =
      owner === undefined
        ? "<none>"
        : `${owner.kind.toLowerCase()}${isGrouped ? `.${group}` : ""}/${owner.name}`;
    return {
      cells: [metadata.name, controller, revision ?? 0, age(metadata.creationTimestamp, nowMs)],
    };
  },
};

const disruptionBudget: KindTable = {
  columns: ["Name", "Min Available", "Max Unavailable", "Allowed Disruptions:integer", "Age"],
  row: (object, nowMs) => {
    const { metadata, spec, status } = object as PodDisruptionBudget;
    return {
      cells: [
        metadata.name,
        spec?.minAvailable === undefined ? "N/A" : String(spec.minAvailable),
        spec?.maxUnavailable === undefined ? "N/A" : String(spec.maxUnavailable),
        status?.disruptionsAllowed ?? 0,
        age(metadata.creationTimestamp, nowMs),
      ],
    };
  },
};

export const WORKLOAD_TABLES: Readonly<Record<string, KindTable>> = {
  ControllerRevision: controllerRevision,
  DaemonSet: daemonSet,
  Deployment: deployment,
  PodDisruptionBudget: disruptionBudget,
  PodTemplate: podTemplate,
  ReplicaSet: replicaSet,
  ReplicationController: replicationController,
  StatefulSet: statefulSet,
};

type Selector = Parameters<typeof labelSelectorToString>[0];

export function templateCells(
  template: PodTemplateSpec | undefined,
  selector: Selector | undefined,
): readonly string[] {
  const containers = template?.spec?.containers ?? [];
  return [
    containers.map((c) => c.name).join(","),
    containers.map((c) => c.image ?? "").join(","),
    selector === undefined ? "<none>" : labelSelectorToString(selector) || "<none>",
  ];
}

/** `a=b,c=d`, sorted; `<none>` when there are none. */
export function labelText(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([label, value]) => `${label}=${value}`);
  return pairs.length === 0 ? "<none>" : pairs.toSorted().join(",");
}
