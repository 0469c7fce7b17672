import { labelSelectorToString } from "#lib/api/selector";
import type { ApiObject } from "#proto";
import type {
  Ingress,
  IngressClass,
  IPAddress,
  NetworkPolicy,
  ServiceCIDR,
} from "#proto/networking/v1";
import type { RuntimeClass } from "#proto/node/v1";
import { age } from "./duration.ts";
import type { KindTable } from "./table.ts";

/** How many hosts a cell names before it says how many more there are. */
const HOSTS_MAX = 3;

const ingress: KindTable = {
  columns: ["Name", "Class", "Hosts", "Address", "Ports", "Age"],
  row: (object, nowMs) => {
    const { metadata, spec, status } = object as Ingress;
    const points = status?.loadBalancer?.ingress ?? [];
    return {
      cells: [
        metadata.name,
        spec?.ingressClassName ?? "<none>",
        hostsText((spec?.rules ?? []).flatMap(({ host }) => host || [])),
        points.map(({ hostname, ip }) => ip || hostname || "").join(","),
        (spec?.tls ?? []).length > 0 ? "80, 443" : "80",
        age(metadata.creationTimestamp, nowMs),
      ],
    };
  },
};

function hostsText(hosts: readonly string[]): string {
  if (hosts.length === 0) return "*";
  const shown = hosts.slice(0, HOSTS_MAX).join(",");
  return hosts.length > HOSTS_MAX ? `${shown} + ${hosts.length - HOSTS_MAX} more...` : shown;
}

const ingressClass: KindTable = {
  columns: ["Name", "Controller", "Parameters", "Age"],
  row: (object, nowMs) => {
    const { metadata, spec } = object as IngressClass;
    const { apiGroup = "", kind = "", name = "" } = spec?.parameters ?? {};
    const typed = apiGroup === "" ? kind : `${kind}.${apiGroup}`;
    return {
      cells: [
        metadata.name,
        spec?.controller ?? "",
        spec?.parameters === undefined ? "<none>" : `${typed}/${name}`,
        age(metadata.creationTimestamp, nowMs),
      ],
    };
  },
};

const networkPolicy: KindTable = {
  columns: ["Name", "Pod-Selector", "Age"],
  row: (object, nowMs) => {
    const { metadata, spec } = object as NetworkPolicy;
    const selector = labelSelectorToString(spec?.podSelector ?? {});
    return { cells: [metadata.name, selector || "<none>", age(metadata.creationTimestamp, nowMs)] };
  },
};

const ipAddress: KindTable = {
  columns: ["Name", "ParentRef"],
  row: (object) => {
    const { metadata, spec } = object as ApiObject & Partial<IPAddress>;
    const { group, name, namespace, resource } = spec?.parentRef ?? { name: "", resource: "" };
    const kind = group ? `${resource}.${group}` : resource;
    const parent = [kind, namespace, name].filter((part) => (part ?? "") !== "").join("/");
    return { cells: [metadata.name, parent] };
  },
};

const serviceCidr: KindTable = {
  columns: ["Name", "CIDRs", "Age"],
  row: (object, nowMs) => {
    const { metadata, spec } = object as ServiceCIDR;
    const cidrs = (spec?.cidrs ?? []).join(",");
    return { cells: [metadata.name, cidrs, age(metadata.creationTimestamp, nowMs)] };
  },
};

const runtimeClass: KindTable = {
  columns: ["Name", "Handler", "Age"],
  row: (object, nowMs) => {
    const { handler, metadata } = object as RuntimeClass;
    return { cells: [metadata.name, handler, age(metadata.creationTimestamp, nowMs)] };
  },
};

export const NETWORKING_TABLES: Readonly<Record<string, KindTable>> = {
  Ingress: ingress,
  IngressClass: ingressClass,
  IPAddress: ipAddress,
  NetworkPolicy: networkPolicy,
  ServiceCIDR: serviceCidr,
  RuntimeClass: runtimeClass,
};
