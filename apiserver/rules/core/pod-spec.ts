import { environmentNameProblem, labelNameProblem, portNameProblem } from "#lib/api/names";
import { tryParseQuantity } from "#lib/api/quantity";
import type { JsonObject } from "#lib/json";
import type { StatusCause } from "#lib/status-error";
import type { Container, ContainerPort, Pod, Volume } from "#proto/core/v1";
import {
  type Causes,
  duplicate,
  forbidden,
  invalid,
  notFound,
  required,
  unsupported,
} from "../causes.ts";
import { validateProbes } from "./probe.ts";
import { PORT_MAX } from "./service.ts";

const RESTART = ["Always", "Never", "OnFailure"];
const DNS = ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"];
const PULL = ["Always", "IfNotPresent", "Never"];
const PROTOCOLS = ["SCTP", "TCP", "UDP"];

/** Also for templates, where `path` is `spec.template.spec`. */
export function validatePodSpec(spec: JsonObject, path: string): Causes {
  const pod = spec as unknown as Pod["spec"];
  const volumes = pod.volumes ?? [];
  const names = new Set(volumes.map((volume) => volume.name));
  const containers = pod.containers ?? [];
  const init = pod.initContainers ?? [];
  const causes: StatusCause[] = [];
  if (containers.length === 0) causes.push(required(`${path}.containers`));
  if (!RESTART.includes(pod.restartPolicy ?? "")) {
    causes.push(unsupported(`${path}.restartPolicy`, pod.restartPolicy, RESTART));
  }
  if (!DNS.includes(pod.dnsPolicy ?? ""))
    causes.push(unsupported(`${path}.dnsPolicy`, pod.dnsPolicy, DNS));
  if ((pod.terminationGracePeriodSeconds ?? 0) < 0) {
    causes.push(
      invalid(
        `${path}.terminationGracePeriodSeconds`,
        pod.terminationGracePeriodSeconds,
        "must be greater than or equal to 0",
      ),
    );
  }
  if (pod.activeDeadlineSeconds !== undefined && pod.activeDeadlineSeconds < 1) {
    causes.push(
      invalid(
        `${path}.activeDeadlineSeconds`,
        pod.activeDeadlineSeconds,
        "must be between 1 and 2147483647, inclusive",
      ),
    );
  }
  return [
    ...causes,
    ...validateVolumes(volumes, `${path}.volumes`),
    ...validateContainers(init, {
      path: `${path}.initContainers`,
      names,
      earlier: [],
      isInit: true,
    }),
    ...validateContainers(containers, {
      path: `${path}.containers`,
      names,
      earlier: init,
      isInit: false,
    }),
    ...validateTolerations(pod.tolerations ?? [], `${path}.tolerations`),
  ];
}

interface ContainersContext {
  readonly path: string;
  /** Of the pod's volumes. */
  readonly names: ReadonlySet<string>;
  /** Containers whose names are taken. */
  readonly earlier: readonly Container[];
  readonly isInit: boolean;
}

function validateContainers(containers: readonly Container[], context: ContainersContext): Causes {
  return containers.flatMap((container, at) => {
    const path = `${context.path}[${at}]`;
    const taken = [...context.earlier, ...containers.slice(0, at)].map((each) => each.name);
    return [
      ...validateIdentity(container, path, taken),
      ...validatePorts(container, path),
      ...validateEnvironment(container, path),
      ...validateMounts(container, path, context.names),
      ...validateResources(container, path),
      ...validateProbes(container, path, context.isInit && container.restartPolicy !== "Always"),
    ];
  });
}

function validateIdentity(container: Container, path: string, taken: readonly string[]): Causes {
  const causes: StatusCause[] = [];
  const { image = "", imagePullPolicy, name } = container;
  const problem = labelNameProblem(name ?? "");
  if ((name ?? "") === "") causes.push(required(`${path}.name`));
  else if (problem !== undefined) causes.push(invalid(`${path}.name`, name, problem));
  if (taken.includes(name)) causes.push(duplicate(`${path}.name`, name));
  if (image === "") causes.push(required(`${path}.image`));
  else if (image !== image.trim())
    causes.push(invalid(`${path}.image`, image, "must not have leading or trailing whitespace"));
  if (imagePullPolicy !== undefined && !PULL.includes(imagePullPolicy)) {
    causes.push(unsupported(`${path}.imagePullPolicy`, imagePullPolicy, PULL));
  }
  return causes;
}

function validatePorts(container: Container, path: string): Causes {
  const ports = container.ports ?? [];
  return ports.flatMap((port, at) => {
    const here = `${path}.ports[${at}]`;
    const isTaken =
      port.name !== undefined && ports.slice(0, at).some((each) => each.name === port.name);
    return [
      ...validatePortNumbers(port, here),
      ...validatePortName(port.name, `${here}.name`),
      ...(isTaken ? [duplicate(`${here}.name`, port.name)] : []),
    ];
  });
}

function validatePortNumbers(port: ContainerPort, path: string): Causes {
  const range = `must be between 1 and ${PORT_MAX}, inclusive`;
  const causes: StatusCause[] = [];
  const { containerPort, hostPort = 0, protocol = "TCP" } = port;
  if (!isPort(containerPort)) causes.push(invalid(`${path}.containerPort`, containerPort, range));
  if (hostPort !== 0 && !isPort(hostPort))
    causes.push(invalid(`${path}.hostPort`, hostPort, range));
  if (!PROTOCOLS.includes(protocol))
    causes.push(unsupported(`${path}.protocol`, protocol, PROTOCOLS));
  return causes;
}

function validatePortName(name: string | undefined, path: string): Causes {
  const problem = name === undefined ? undefined : portNameProblem(name);
  return problem === undefined ? [] : [invalid(path, name, problem)];
}

function isPort(number: number): boolean {
  return number >= 1 && number <= PORT_MAX;
}

function validateEnvironment(container: Container, path: string): Causes {
  return (container.env ?? []).flatMap((variable, at): StatusCause[] => {
    const here = `${path}.env[${at}]`;
    if ((variable.name ?? "") === "") return [required(`${here}.name`)];
    const problem = environmentNameProblem(variable.name);
    if (problem !== undefined) return [invalid(`${here}.name`, variable.name, problem)];
    if (variable.valueFrom === undefined) return [];
    if ((variable.value ?? "") !== "") {
      return [invalid(`${here}.valueFrom`, "", "may not be specified when `value` is not empty")];
    }
    const sources = Object.keys(variable.valueFrom).length;
    if (sources === 1) return [];
    const what =
      sources === 0
        ? "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        : "may not have more than one field specified at a time";
    return [invalid(`${here}.valueFrom`, "", what)];
  });
}

function validateMounts(container: Container, path: string, names: ReadonlySet<string>): Causes {
  const mounts = container.volumeMounts ?? [];
  return mounts.flatMap((mount, at) => {
    const here = `${path}.volumeMounts[${at}]`;
    const isTwice = mounts.slice(0, at).some((each) => each.mountPath === mount.mountPath);
    return [
      ...validateVolumeName(mount.name ?? "", `${here}.name`, names),
      ...((mount.mountPath ?? "") === "" ? [required(`${here}.mountPath`)] : []),
      ...(isTwice ? [invalid(`${here}.mountPath`, mount.mountPath, "must be unique")] : []),
      ...validateSubPath(mount.subPath ?? "", `${here}.subPath`),
      ...validateSubPath(mount.subPathExpr ?? "", `${here}.subPathExpr`),
    ];
  });
}

function validateVolumeName(name: string, path: string, names: ReadonlySet<string>): Causes {
  if (name === "") return [required(path)];
  return names.has(name) ? [] : [notFound(path, name)];
}

function validateSubPath(value: string, path: string): Causes {
  if (value.startsWith("/")) return [invalid(path, value, "must be a relative path")];
  return value.split("/").includes("..") ? [invalid(path, value, "must not contain '..'")] : [];
}

function validateResources(container: Container, path: string): Causes {
  const { limits = {}, requests = {} } = container.resources ?? {};
  const amounts = (map: Readonly<Record<string, string>>, name: string): StatusCause[] =>
    Object.entries(map).flatMap(([resource, text]) => {
      const quantity = tryParseQuantity(text);
      const here = `${path}.resources.${name}[${resource}]`;
      if (quantity === undefined)
        return [invalid(here, text, "must be a quantity, as 500m or 128Mi")];
      return quantity.nanos < 0n ? [invalid(here, text, "must be greater than or equal to 0")] : [];
    });
  const above = Object.entries(requests).flatMap(([resource, text]): StatusCause[] => {
    const limit = limits[resource] === undefined ? undefined : tryParseQuantity(limits[resource]);
    const request = tryParseQuantity(text);
    if (limit === undefined || request === undefined || request.compare(limit) <= 0) return [];
    const detail = `must be less than or equal to ${resource} limit of ${limits[resource]}`;
    return [invalid(`${path}.resources.requests`, text, detail)];
  });
  return [...amounts(limits, "limits"), ...amounts(requests, "requests"), ...above];
}

function validateVolumes(volumes: readonly Volume[], path: string): Causes {
  return volumes.flatMap((volume, at) => {
    const here = `${path}[${at}]`;
    const { name, ...sources } = volume;
    const causes: StatusCause[] = [];
    const problem = labelNameProblem(name ?? "");
    if ((name ?? "") === "") causes.push(required(`${here}.name`));
    else if (problem !== undefined) causes.push(invalid(`${here}.name`, name, problem));
    if (volumes.slice(0, at).some((each) => each.name === name))
      causes.push(duplicate(`${here}.name`, name));
    const kinds = Object.keys(sources);
    if (kinds.length === 0) causes.push(required(here, "must specify a volume type"));
    if (kinds.length > 1)
      causes.push(forbidden(`${here}.${kinds[1]}`, "may not specify more than 1 volume type"));
    return causes;
  });
}

const OPERATORS = ["Equal", "Exists", "Gt", "Lt"];
const EFFECTS = ["", "NoExecute", "NoSchedule", "PreferNoSchedule"];

function validateTolerations(
  tolerations: NonNullable<Pod["spec"]["tolerations"]>,
  path: string,
): Causes {
  return tolerations.flatMap((each, at) => {
    const here = `${path}[${at}]`;
    const causes: StatusCause[] = [];
    const { effect = "", key = "", operator = "Equal", tolerationSeconds, value = "" } = each;
    if (!OPERATORS.includes(operator))
      causes.push(unsupported(`${here}.operator`, operator, OPERATORS));
    if (!EFFECTS.includes(effect))
      causes.push(unsupported(`${here}.effect`, effect, EFFECTS.slice(1)));
    if (key === "" && operator !== "Exists")
      causes.push(
        invalid(
          `${here}.operator`,
          operator,
          'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        ),
      );
    if (operator === "Exists" && value !== "")
      causes.push(
        invalid(`${here}.operator`, value, "value must be empty when `operator` is 'Exists'"),
      );
    if (tolerationSeconds !== undefined && effect !== "NoExecute")
      causes.push(
        invalid(
          `${here}.effect`,
          effect,
          "effect must be 'NoExecute' when `tolerationSeconds` is set",
        ),
      );
    return causes;
  });
}
