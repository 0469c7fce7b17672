import { isIP } from "node:net";
import { labelNameProblem, portNameProblem, subdomainProblem } from "#lib/api/names";
import type { JsonObject } from "#lib/json";
import type { Service } from "#proto/core/v1";
import { type Causes, duplicate, forbidden, invalid, required } from "../causes.ts";
import { between, ipAddress, named, nonEmpty, oneOf, repeats, requiredOneOf } from "../checks.ts";
import { type KindRules, specOf } from "../kind-rules.ts";
import { validateLabels } from "../metadata.ts";
import { validateCidr } from "./node.ts";

type Spec = Service["spec"];
type Port = NonNullable<Spec["ports"]>[number];

const TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const PROTOCOLS = ["SCTP", "TCP", "UDP"];
const POLICIES = ["Cluster", "Local"];
const AFFINITIES = ["ClientIP", "None"];
const FAMILIES = ["IPv4", "IPv6"];
const FAMILY_POLICIES = ["PreferDualStack", "RequireDualStack", "SingleStack"];
const PORT = { min: 1, max: 65_535 };
const AFFINITY_SECONDS = { min: 1, max: 86_400 };

export const serviceRules: KindRules = {
  nameRule: "service",
  firstStatus: () => ({ loadBalancer: {} }),
  complete,
  keep: (object, old) => keepAddress(withoutForeign(object, old), old),
  validate(object) {
    const spec = specOf(object) as unknown as Spec;
    const ports = spec.ports ?? [];
    return [
      ...requiredOneOf("spec.type", spec.type, TYPES),
      ...validateTarget(spec),
      ...validatePorts(ports),
      ...(ports.length > 1
        ? ports.flatMap(({ name }, at) => nonEmpty(`spec.ports[${at}].name`, name))
        : []),
      ...validateLabels(spec.selector, "spec.selector"),
      ...validateNodePorts(spec),
      ...validateTraffic(spec),
      ...validateAddresses(spec),
    ];
  },
  validateUpdate(object, old) {
    const now = specOf(object);
    const before = specOf(old);
    const health = healthCheckPortCauses(object, old);
    const stays =
      now["type"] !== "ExternalName" &&
      before["type"] !== "ExternalName" &&
      (before["clusterIP"] ?? "") !== "";
    if (!stays || now["clusterIP"] === before["clusterIP"]) return health;
    return [...health, invalid("spec.clusterIPs[0]", now["clusterIP"], "may not change once set")];
  },
};

function complete(object: JsonObject): JsonObject {
  const spec = specOf(object) as unknown as Spec;
  const ports = (spec.ports ?? []).map((port) => ({
    ...port,
    protocol: port.protocol ?? "TCP",
    targetPort: port.targetPort || (port.port ?? 0),
  }));
  const { type = "ClusterIP" } = spec;
  const reachesNodes = type === "NodePort" || type === "LoadBalancer";
  const completed = {
    ...spec,
    ...(reachesNodes ? { externalTrafficPolicy: spec.externalTrafficPolicy ?? "Cluster" } : {}),
    ...(type === "ExternalName"
      ? {}
      : { internalTrafficPolicy: spec.internalTrafficPolicy ?? "Cluster" }),
    ...(ports.length === 0 ? {} : { ports }),
  };
  return { ...object, spec: completed as unknown as JsonObject };
}

/** What only the old type had, and the update took over unchanged, goes with the type. */
function withoutForeign(object: JsonObject, old: JsonObject): JsonObject {
  const { externalTrafficPolicy: policy, ...spec } = specOf(object);
  const { type } = spec;
  const reachesNodes = type === "NodePort" || type === "LoadBalancer";
  if (reachesNodes || policy !== specOf(old)["externalTrafficPolicy"]) return object;
  return { ...object, spec };
}

/** The address is given once; the update may leave it out. */
function keepAddress(object: JsonObject, old: JsonObject): JsonObject {
  const spec = specOf(object);
  const before = specOf(old);
  if (before["type"] === "ExternalName" || spec["type"] === "ExternalName") return object;
  const address = {
    clusterIP: spec["clusterIP"] || before["clusterIP"],
    clusterIPs: spec["clusterIPs"] ?? before["clusterIPs"],
    ipFamilies: spec["ipFamilies"] ?? before["ipFamilies"],
    ipFamilyPolicy: spec["ipFamilyPolicy"] ?? before["ipFamilyPolicy"],
  };
  const known = Object.fromEntries(
    Object.entries(address).filter(([, value]) => value !== undefined),
  );
  return { ...object, spec: { ...spec, ...known } as JsonObject };
}

/** Where the name leads: to ports, or to another name. */
function validateTarget(spec: Spec): Causes {
  const { clusterIP = "", externalName = "", ports = [], type } = spec;
  if (type === "ExternalName") {
    return [
      ...(clusterIP === "" || clusterIP === "None"
        ? []
        : [forbidden("spec.clusterIPs[0]", "may not be set for ExternalName services")]),
      ...nonEmpty("spec.externalName", externalName),
      ...named("spec.externalName", externalName.replace(/\.$/, ""), subdomainProblem),
    ];
  }
  const isHeadless = clusterIP === "None";
  const wrongHeadless =
    isHeadless && type !== undefined && type !== "ClusterIP"
      ? [invalid("spec.clusterIPs[0]", clusterIP, `may not be set to 'None' for ${type} services`)]
      : [];
  return [...wrongHeadless, ...(ports.length === 0 && !isHeadless ? [required("spec.ports")] : [])];
}

function validatePorts(ports: readonly Port[]): Causes {
  const withProtocol = (number = 0, { protocol = "TCP" }: Port): string => `${protocol} ${number}`;
  const sameName = repeats(ports.map(({ name }) => name));
  const samePort = repeats(ports.map((each) => withProtocol(each.port, each)));
  const sameNodePort = repeats(ports.map((each) => withProtocol(each.nodePort, each)));
  return ports.flatMap((each, at) => {
    const path = `spec.ports[${at}]`;
    const { name = "", nodePort = 0, port, protocol = "TCP" } = each;
    return [
      ...validatePort(each, path),
      ...(name !== "" && sameName[at] ? [duplicate(`${path}.name`, name)] : []),
      ...(samePort[at] ? [duplicate(path, { port, protocol })] : []),
      ...(nodePort !== 0 && sameNodePort[at] ? [duplicate(`${path}.nodePort`, nodePort)] : []),
    ];
  });
}

function validatePort(port: Port, path: string): Causes {
  const { name = "", nodePort = 0, port: number, protocol = "TCP", targetPort } = port;
  return [
    ...named(`${path}.name`, name, labelNameProblem),
    ...between(`${path}.port`, number ?? 0, PORT),
    ...oneOf(`${path}.protocol`, protocol, PROTOCOLS),
    ...(nodePort === 0 ? [] : between(`${path}.nodePort`, nodePort, PORT)),
    ...(typeof targetPort === "string"
      ? named(`${path}.targetPort`, targetPort, portNameProblem)
      : between(`${path}.targetPort`, targetPort, PORT)),
  ];
}

/** Numbers on the nodes are for types that are reached there. */
function validateNodePorts(spec: Spec): Causes {
  const { healthCheckNodePort = 0, ports = [], type } = spec;
  const isUseless = type === "ClusterIP";
  const why = "may not be used when `type` is 'ClusterIP'";
  const healthWhy =
    "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
  return [
    ...ports.flatMap(({ nodePort = 0 }, at) =>
      isUseless && nodePort !== 0 ? [forbidden(`spec.ports[${at}].nodePort`, why)] : [],
    ),
    ...(healthCheckNodePort === 0 || isHealthChecked(spec)
      ? []
      : [invalid("spec.healthCheckNodePort", healthCheckNodePort, healthWhy)]),
  ];
}

/** Whether a load balancer asks each node for endpoints of its own. */
export function isHealthChecked({ externalTrafficPolicy, type }: Spec): boolean {
  return type === "LoadBalancer" && externalTrafficPolicy === "Local";
}

/** Load balancers know the port from outside. */
function healthCheckPortCauses(object: JsonObject, old: JsonObject): Causes {
  const [now, before] = [specOf(object) as unknown as Spec, specOf(old) as unknown as Spec];
  const stays = isHealthChecked(now) && isHealthChecked(before);
  if (!stays || now.healthCheckNodePort === before.healthCheckNodePort) return [];
  return [invalid("spec.healthCheckNodePort", now.healthCheckNodePort, "field is immutable")];
}

function validateTraffic(spec: Spec): Causes {
  const { externalTrafficPolicy: external, internalTrafficPolicy: internal, type } = spec;
  const reachesNodes = type === "NodePort" || type === "LoadBalancer";
  const hasAddresses = (spec.externalIPs ?? []).length > 0;
  const isSet = (external ?? "") !== "";
  return [
    ...oneOf("spec.sessionAffinity", spec.sessionAffinity, AFFINITIES),
    ...between(
      "spec.sessionAffinityConfig.clientIP.timeoutSeconds",
      spec.sessionAffinityConfig?.clientIP?.timeoutSeconds,
      AFFINITY_SECONDS,
    ),
    ...(reachesNodes || hasAddresses || !isSet
      ? oneOf("spec.externalTrafficPolicy", external, POLICIES)
      : [
          invalid(
            "spec.externalTrafficPolicy",
            external,
            "may only be set for externally-accessible services",
          ),
        ]),
    ...oneOf("spec.internalTrafficPolicy", internal, POLICIES),
  ];
}

function validateAddresses(spec: Spec): Causes {
  const { clusterIP = "", clusterIPs = [], type } = spec;
  const isAddress = clusterIP === "" || clusterIP === "None" || isIP(clusterIP) !== 0;
  const differs = clusterIPs.length > 0 && type !== "ExternalName" && clusterIPs[0] !== clusterIP;
  return [
    ...(isAddress
      ? []
      : [invalid("spec.clusterIPs[0]", clusterIP, "must be empty, 'None', or a valid IP address")]),
    ...(differs
      ? [invalid("spec.clusterIPs", clusterIPs, "first value must match `clusterIP`")]
      : []),
    ...(spec.ipFamilies ?? []).flatMap((family, at) =>
      oneOf(`spec.ipFamilies[${at}]`, family, FAMILIES),
    ),
    ...oneOf("spec.ipFamilyPolicy", spec.ipFamilyPolicy, FAMILY_POLICIES),
    ...(spec.externalIPs ?? []).flatMap((each, at) => ipAddress(`spec.externalIPs[${at}]`, each)),
    ...(spec.loadBalancerSourceRanges ?? []).flatMap((range, at) =>
      validateCidr(`spec.loadBalancerSourceRanges[${at}]`, range),
    ),
  ];
}
