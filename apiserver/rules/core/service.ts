import { portNameProblem } from "#lib/api/names";
import type { JsonObject } from "#lib/json";
import type { StatusCause } from "#lib/status-error";
import { type Causes, duplicate, invalid, required, unsupported } from "../causes.ts";
import { type KindRules, specOf } from "../kind-rules.ts";
import { validateLabels } from "../metadata.ts";

interface Port {
  readonly name?: string;
  readonly port?: number;
  readonly protocol?: string;
  readonly targetPort?: number | string;
  readonly nodePort?: number;
}

const TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const PROTOCOLS = ["SCTP", "TCP", "UDP"];
export const PORT_MAX = 65_535;

export const serviceRules: KindRules = {
  nameRule: "service",
  firstStatus: () => ({ loadBalancer: {} }),
  complete(object) {
    const spec = specOf(object);
    const ports = ((spec["ports"] ?? []) as readonly Port[]).map((port) => ({
      ...port,
      protocol: port.protocol ?? "TCP",
      targetPort:
        port.targetPort === undefined || port.targetPort === 0 || port.targetPort === ""
          ? (port.port ?? 0)
          : port.targetPort,
    }));
    const type = String(spec["type"] ?? "ClusterIP");
    const local = type === "NodePort" || type === "LoadBalancer";
    const policy = local
      ? { externalTrafficPolicy: spec["externalTrafficPolicy"] ?? "Cluster" }
      : {};
    const internal =
      type === "ExternalName"
        ? {}
        : { internalTrafficPolicy: spec["internalTrafficPolicy"] ?? "Cluster" };
    return {
      ...object,
      spec: {
        ...spec,
        ...policy,
        ...internal,
        ...(ports.length === 0 ? {} : { ports }),
      } as unknown as JsonObject,
    };
  },
  // The address is given once; the update may leave it out.
  keep(object, old) {
    const spec = specOf(object);
    const before = specOf(old);
    const wasExternal = before["type"] === "ExternalName" || spec["type"] === "ExternalName";
    if (wasExternal) return object;
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
  },
  validate(object) {
    const spec = specOf(object);
    const type = String(spec["type"]);
    const ports = (spec["ports"] ?? []) as readonly Port[];
    const causes: StatusCause[] = [];
    if (!TYPES.includes(type)) causes.push(unsupported("spec.type", type, TYPES));
    if (type === "ExternalName") {
      if ((spec["externalName"] ?? "") === "") causes.push(required("spec.externalName"));
    } else if (ports.length === 0 && spec["clusterIP"] !== "None") {
      causes.push(required("spec.ports"));
    }
    return [
      ...causes,
      ...ports.flatMap((port, at) => validatePort(port, at, ports)),
      ...validateLabels(
        spec["selector"] as Readonly<Record<string, string>> | undefined,
        "spec.selector",
      ),
    ];
  },
  validateUpdate(object, old) {
    const now = specOf(object);
    const before = specOf(old);
    const stays =
      now["type"] !== "ExternalName" &&
      before["type"] !== "ExternalName" &&
      (before["clusterIP"] ?? "") !== "";
    if (!stays || now["clusterIP"] === before["clusterIP"]) return [];
    return [invalid("spec.clusterIPs[0]", now["clusterIP"], "may not change once set")];
  },
};

function validatePort(port: Port, at: number, all: readonly Port[]): Causes {
  const path = `spec.ports[${at}]`;
  const causes: StatusCause[] = [];
  const { name = "", nodePort = 0, port: number = 0, protocol = "TCP", targetPort } = port;
  if (name === "" && all.length > 1) causes.push(required(`${path}.name`));
  const nameIssue = name === "" ? undefined : labelLike(name);
  if (nameIssue !== undefined) causes.push(invalid(`${path}.name`, name, nameIssue));
  if (number < 1 || number > PORT_MAX)
    causes.push(invalid(`${path}.port`, number, `must be between 1 and ${PORT_MAX}, inclusive`));
  if (!PROTOCOLS.includes(protocol))
    causes.push(unsupported(`${path}.protocol`, protocol, PROTOCOLS));
  if (nodePort < 0 || nodePort > PORT_MAX)
    causes.push(
      invalid(`${path}.nodePort`, nodePort, `must be between 0 and ${PORT_MAX}, inclusive`),
    );
  const targetIssue = targetProblem(targetPort);
  if (targetIssue !== undefined)
    causes.push(invalid(`${path}.targetPort`, targetPort, targetIssue));
  const earlier = all.slice(0, at);
  if (name !== "" && earlier.some((each) => each.name === name))
    causes.push(duplicate(`${path}.name`, name));
  if (earlier.some((each) => each.port === number && (each.protocol ?? "TCP") === protocol)) {
    causes.push(duplicate(path, { port: number, protocol }));
  }
  return causes;
}

function targetProblem(target: number | string | undefined): string | undefined {
  if (typeof target === "string") return portNameProblem(target);
  if (target === undefined || (target >= 1 && target <= PORT_MAX)) return undefined;
  return `must be between 1 and ${PORT_MAX}, inclusive`;
}

function labelLike(name: string): string | undefined {
  return /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)
    ? undefined
    : "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
}
