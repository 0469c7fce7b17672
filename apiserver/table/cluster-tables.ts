import { findCondition } from "#lib/api/condition";
import type { ApiObject } from "#proto";
import type { APIService } from "#proto/apiregistration/v1";
import type { Lease } from "#proto/coordination/v1";
import type {
  ComponentStatus,
  ConfigMap,
  Endpoints,
  Event,
  Namespace,
  Node,
  ResourceQuota,
  Secret,
  Service,
  ServiceAccount,
} from "#proto/core/v1";
import type { EndpointSlice } from "#proto/discovery/v1";
import type { ClusterRoleBinding } from "#proto/rbac/v1";
import type { PriorityClass } from "#proto/scheduling/v1";
import { age } from "./duration.ts";
import type { KindTable } from "./table.ts";
import { labelText } from "./workload-tables.ts";

/** How many endpoints or ports a cell names before it says how many more there are. */
const LISTED_MAX = 3;

const componentStatus: KindTable = {
  columns: ["Name", "Status", "Message", "Error"],
  row: (object) => {
    const { conditions = [], metadata } = object as ComponentStatus;
    const {
      error = "",
      message = "",
      status,
    } = conditions.find(({ type }) => type === "Healthy") ?? {};
    const text = status === "True" ? "Healthy" : status === "False" ? "Unhealthy" : "Unknown";
    return { cells: [metadata.name, text, message, error] };
  },
};

const configMap: KindTable = {
  columns: ["Name", "Data", "Age"],
  row: (object, nowMs) => {
    const { metadata, data = {}, binaryData = {} } = object as ConfigMap;
    const count = Object.keys(data).length + Object.keys(binaryData).length;
    return { cells: [metadata.name, count, age(metadata.creationTimestamp, nowMs)] };
  },
};

/** Who serves it, and if nobody does just now, why. */
const apiService: KindTable = {
  columns: ["Name", "Service", "Available", "Age"],
  row: (object, nowMs) => {
    const { metadata, spec, status } = object as Partial<APIService> & ApiObject;
    const by = spec?.service;
    const service = by === undefined ? "Local" : `${by.namespace}/${by.name}`;
    const found = findCondition(status?.conditions, "Available");
    const why = found !== undefined && found.status !== "True" && found.reason;
    const state = `${found?.status ?? "Unknown"}${why ? ` (${why})` : ""}`;
    return { cells: [metadata.name, service, state, age(metadata.creationTimestamp, nowMs)] };
  },
};

const secret: KindTable = {
  columns: ["Name", "Type", "Data", "Age"],
  row: (object, nowMs) => {
    const { metadata, type, data = {} } = object as Secret;
    const count = Object.keys(data).length;
    return { cells: [metadata.name, type ?? "", count, age(metadata.creationTimestamp, nowMs)] };
  },
};

const serviceAccount: KindTable = {
  columns: ["Name", "Secrets", "Age"],
  row: (object, nowMs) => {
    const { metadata, secrets = [] } = object as ServiceAccount;
    return { cells: [metadata.name, secrets.length, age(metadata.creationTimestamp, nowMs)] };
  },
};

/** What is used of what may be, what is asked for apart from what is limited. */
const resourceQuota: KindTable = {
  columns: ["Name", "Request", "Limit", "Age"],
  row: (object, nowMs) => {
    const { metadata, status } = object as ResourceQuota;
    const { hard = {}, used = {} } = status ?? {};
    const text = (isLimit: boolean): string =>
      Object.keys(hard)
        .filter((name) => name.startsWith("limits.") === isLimit)
        .toSorted()
        .map((name) => `${name}: ${used[name] ?? "0"}/${hard[name]}`)
        .join(", ");
    return {
      cells: [metadata.name, text(false), text(true), age(metadata.creationTimestamp, nowMs)],
    };
  },
};

const namespace: KindTable = {
  columns: ["Name", "Status", "Age"],
  row: (object, nowMs) => {
    const { metadata, status } = object as Namespace;
    return { cells: [metadata.name, status?.phase ?? "", age(metadata.creationTimestamp, nowMs)] };
  },
};

const node: KindTable = {
  columns: [
    "Name",
    "Status",
    "Roles",
    "Age",
    "Version",
    "+Internal-IP",
    "+External-IP",
    "+OS-Image",
    "+Kernel-Version",
    "+Container-Runtime",
  ],
  row: (object, nowMs) => {
    const { metadata, status } = object as Node;
    const info = status?.nodeInfo;
    const address = (type: string): string =>
      status?.addresses?.find((a) => a.type === type)?.address ?? "<none>";
    return {
      cells: [
        metadata.name,
        nodeStatus(object as Node),
        nodeRoles(metadata.labels ?? {}),
        age(metadata.creationTimestamp, nowMs),
        info?.kubeletVersion ?? "",
        address("InternalIP"),
        address("ExternalIP"),
        info?.osImage || "<unknown>",
        info?.kernelVersion || "<unknown>",
        info?.containerRuntimeVersion || "<unknown>",
      ],
    };
  },
};

function nodeStatus({ spec, status }: Node): string {
  const ready = status?.conditions?.find((c) => c.type === "Ready");
  const word = ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady";
  return spec?.unschedulable ? `${word},SchedulingDisabled` : word;
}

const ROLE_PREFIX = "node-role.kubernetes.io/";

function nodeRoles(labels: Readonly<Record<string, string>>): string {
  const roles = Object.entries(labels).flatMap(([label, value]) => {
    if (label.startsWith(ROLE_PREFIX)) return [label.slice(ROLE_PREFIX.length)];
    return label === "kubernetes.io/role" && value !== "" ? [value] : [];
  });
  return roles.length === 0 ? "<none>" : [...new Set(roles)].toSorted().join(",");
}

const service: KindTable = {
  columns: ["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "+Selector"],
  row: (object, nowMs) => {
    const { metadata, spec } = object as Service;
    const ports = (spec?.ports ?? []).map(
      ({ port, nodePort, protocol = "TCP" }) =>
        `${port}${nodePort ? `:${nodePort}` : ""}/${protocol}`,
    );
    return {
      cells: [
        metadata.name,
        spec?.type ?? "ClusterIP",
        spec?.clusterIP || "<none>",
        externalAddress(object as Service),
        ports.join(",") || "<none>",
        age(metadata.creationTimestamp, nowMs),
        labelText(spec?.selector),
      ],
    };
  },
};

function externalAddress({ spec, status }: Service): string {
  if (spec?.type === "ExternalName") return spec.externalName ?? "<none>";
  const given = spec?.externalIPs ?? [];
  if (spec?.type !== "LoadBalancer") return given.join(",") || "<none>";
  const balanced = (status?.loadBalancer?.ingress ?? []).map((i) => i.ip || i.hostname || "");
  return [...balanced, ...given].filter((a) => a !== "").join(",") || "<pending>";
}

const endpoints: KindTable = {
  columns: ["Name", "Endpoints", "Age"],
  row: (object, nowMs) => {
    const { metadata, subsets = [] } = object as Endpoints;
    const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
      ports.length === 0
        ? addresses.map((a) => a.ip)
        : ports.flatMap((p) => addresses.map((a) => `${a.ip}:${p.port}`)),
    );
    return { cells: [metadata.name, some(all), age(metadata.creationTimestamp, nowMs)] };
  },
};

const endpointSlice: KindTable = {
  columns: ["Name", "AddressType", "Ports", "Endpoints", "Age"],
  row: (object, nowMs) => {
    const slice = object as EndpointSlice;
    const { metadata } = slice;
    const ports = (slice.ports ?? []).map((p) => String(p.port ?? "*"));
    const addresses = (slice.endpoints ?? []).flatMap((e) => e.addresses ?? []);
    return {
      cells: [
        metadata.name,
        slice.addressType,
        some(ports, "<unset>"),
        some(addresses, "<unset>"),
        age(metadata.creationTimestamp, nowMs),
      ],
    };
  },
};

function some(all: readonly string[], none = "<none>"): string {
  if (all.length === 0) return none;
  const listed = all.slice(0, LISTED_MAX).join(",");
  return all.length > LISTED_MAX ? `${listed} + ${all.length - LISTED_MAX} more...` : listed;
}

const event: KindTable = {
  columns: [
    "Last Seen",
    "Type",
    "Reason",
    "Object",
    "+Subobject",
    "+Source",
    "Message",
    "+First Seen",
    "+Count",
    "+Name",
  ],
  row: (object, nowMs) => {
    const seen = eventFields(object);
    return {
      cells: [
        age(seen.last, nowMs),
        seen.type,
        seen.reason,
        seen.about,
        seen.fieldPath,
        seen.source,
        seen.message.trim(),
        age(seen.first, nowMs),
        seen.count,
        object.metadata.name,
      ],
    };
  },
};

/** Both groups' events in one shape. */
function eventFields(object: ApiObject) {
  const e = object as Event & {
    readonly note?: string;
    readonly regarding?: Event["involvedObject"];
  };
  const about = e.involvedObject ?? e.regarding;
  const last = e.series?.lastObservedTime || e.lastTimestamp || e.eventTime;
  const source = [e.source?.component || e.reportingComponent, e.source?.host];
  return {
    last,
    first: e.firstTimestamp || e.eventTime,
    type: e.type ?? "",
    reason: e.reason ?? "",
    about: `${(about?.kind ?? "").toLowerCase()}/${about?.name ?? ""}`,
    fieldPath: about?.fieldPath ?? "",
    source: source.filter((part) => part).join(", "),
    message: e.message ?? e.note ?? "",
    count: e.series?.count ?? e.count ?? 1,
  };
}

const lease: KindTable = {
  columns: ["Name", "Holder", "Age"],
  row: (object, nowMs) => {
    const { metadata, spec } = object as Lease;
    const holder = spec?.holderIdentity ?? "";
    return { cells: [metadata.name, holder, age(metadata.creationTimestamp, nowMs)] };
  },
};

const priorityClass: KindTable = {
  columns: ["Name", "Value:integer", "Global-Default:boolean", "Age", "PreemptionPolicy"],
  row: (object, nowMs) => {
    const { metadata, value, globalDefault = false, preemptionPolicy } = object as PriorityClass;
    return {
      cells: [
        metadata.name,
        value,
        globalDefault,
        age(metadata.creationTimestamp, nowMs),
        preemptionPolicy ?? "PreemptLowerPriority",
      ],
    };
  },
};

const binding: KindTable = {
  columns: ["Name", "Role", "Age", "+Users", "+Groups", "+ServiceAccounts"],
  row: (object, nowMs) => {
    const { metadata, roleRef, subjects = [] } = object as ClusterRoleBinding;
    const names = (kind: string): string =>
      subjects
        .filter((s) => s.kind === kind)
        .map((s) => (kind === "ServiceAccount" ? `${s.namespace ?? ""}/${s.name}` : s.name))
        .join(", ");
    return {
      cells: [
        metadata.name,
        `${roleRef.kind}/${roleRef.name}`,
        age(metadata.creationTimestamp, nowMs),
        names("User"),
        names("Group"),
        names("ServiceAccount"),
      ],
    };
  },
};

export const CLUSTER_TABLES: Readonly<Record<string, KindTable>> = {
  APIService: apiService,
  ClusterRoleBinding: binding,
  ComponentStatus: componentStatus,
  ConfigMap: configMap,
  EndpointSlice: endpointSlice,
  Endpoints: endpoints,
  Event: event,
  Lease: lease,
  Namespace: namespace,
  Node: node,
  PriorityClass: priorityClass,
  RoleBinding: binding,
  Secret: secret,
  Service: service,
  ServiceAccount: serviceAccount,
  ResourceQuota: resourceQuota,
};
