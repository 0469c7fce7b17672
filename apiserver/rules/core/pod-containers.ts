import { labelNameProblem, portNameProblem } from "#lib/api/names";
import type { Container, ContainerPort } from "#proto/core/v1";
import { type Causes, duplicate, forbidden, invalid, notFound, required } from "../causes.ts";
import { between, named, nonEmpty, oneOf, pathBelow, repeats } from "../checks.ts";
import { validateEnvironment } from "./environment.ts";
import { validateLifecycle } from "./handler.ts";
import { validateContainerSecurity } from "./pod-security.ts";
import { validateProbes } from "./probe.ts";
import { validateResizePolicy } from "./resize-policy.ts";
import { validateResources } from "./resources.ts";

const PULL = ["Always", "IfNotPresent", "Never"];
const PROTOCOLS = ["SCTP", "TCP", "UDP"];
const PORT = { min: 1, max: 65_535 };
const MESSAGE_POLICIES = ["FallbackToLogsOnError", "File"];
const PROPAGATIONS = ["Bidirectional", "HostToContainer", "None"];
const RESTARTS = ["Always", "Never", "OnFailure"];

export interface ContainersContext {
  readonly path: string;
  /** Of the pod's volumes. */
  readonly volumes: ReadonlySet<string>;
  /** Containers whose names are taken. */
  readonly earlier: readonly Container[];
  readonly isInit: boolean;
  readonly hostNetwork: boolean;
  /** The pod's. */
  readonly restartPolicy: string | undefined;
}

export function validateContainers(
  containers: readonly Container[],
  context: ContainersContext,
): Causes {
  const { earlier } = context;
  const isTwice = repeats([...earlier, ...containers].map(({ name }) => name));
  return containers.flatMap((container, at) => {
    const path = `${context.path}[${at}]`;
    const runsToEnd = context.isInit && container.restartPolicy !== "Always";
    return [
      ...validateIdentity(container, path, isTwice[earlier.length + at] === true),
      ...oneOf(`${path}.imagePullPolicy`, container.imagePullPolicy, PULL),
      ...oneOf(`${path}.restartPolicy`, container.restartPolicy, RESTARTS),
      ...oneOf(
        `${path}.terminationMessagePolicy`,
        container.terminationMessagePolicy,
        MESSAGE_POLICIES,
      ),
      ...validatePorts(container, path, context.hostNetwork),
      ...validateEnvironment(container, path),
      ...validateMounts(container, path, context.volumes),
      ...validateResources(container.resources ?? {}, `${path}.resources`),
      ...validateResizePolicy(container, {
        path: `${path}.resizePolicy`,
        runsToEnd,
        podRestartPolicy: context.restartPolicy,
      }),
      ...validateProbes(container, path, runsToEnd),
      ...validateLifecycle(container.lifecycle, `${path}.lifecycle`, runsToEnd),
      ...validateContainerSecurity(container, path),
    ];
  });
}

function validateIdentity(container: Container, path: string, isTwice: boolean): Causes {
  const { image = "", name } = container;
  const hasSpace = image !== image.trim();
  return [
    ...nonEmpty(`${path}.name`, name),
    ...named(`${path}.name`, name, labelNameProblem),
    ...((name ?? "") !== "" && isTwice ? [duplicate(`${path}.name`, name)] : []),
    ...nonEmpty(`${path}.image`, image),
    ...(hasSpace
      ? [invalid(`${path}.image`, image, "must not have leading or trailing whitespace")]
      : []),
  ];
}

function validatePorts(container: Container, path: string, hostNetwork: boolean): Causes {
  const ports = container.ports ?? [];
  const isTwice = repeats(ports.map(({ name }) => name));
  return ports.flatMap((port, at) => {
    const here = `${path}.ports[${at}]`;
    const isTaken = port.name !== undefined && isTwice[at];
    return [
      ...validatePort(port, here, hostNetwork),
      ...named(`${here}.name`, port.name, portNameProblem),
      ...(isTaken ? [duplicate(`${here}.name`, port.name)] : []),
    ];
  });
}

function validatePort(port: ContainerPort, path: string, hostNetwork: boolean): Causes {
  const { containerPort, hostPort = 0, protocol } = port;
  const differs = hostNetwork && hostPort !== 0 && hostPort !== containerPort;
  return [
    ...((containerPort ?? 0) === 0
      ? [required(`${path}.containerPort`)]
      : between(`${path}.containerPort`, containerPort, PORT)),
    ...(hostPort === 0 ? [] : between(`${path}.hostPort`, hostPort, PORT)),
    ...(differs
      ? [
          invalid(
            `${path}.hostPort`,
            hostPort,
            "must match `containerPort` when `hostNetwork` is true",
          ),
        ]
      : []),
    ...oneOf(`${path}.protocol`, protocol, PROTOCOLS),
  ];
}

/** On one node a port can be given once; that a pod competes with itself is seen before any node is. */
export function validateHostPorts(containers: readonly Container[], path: string): Causes {
  const taken = new Set<string>();
  return containers.flatMap(({ ports = [] }, at) =>
    ports.flatMap(({ hostIP = "", hostPort = 0, protocol = "TCP" }, index) => {
      if (hostPort === 0) return [];
      const port = `${protocol}/${hostIP}/${hostPort}`;
      if (taken.has(port)) return [duplicate(`${path}[${at}].ports[${index}].hostPort`, port)];
      taken.add(port);
      return [];
    }),
  );
}

function validateMounts(container: Container, path: string, volumes: ReadonlySet<string>): Causes {
  const mounts = container.volumeMounts ?? [];
  const isRepeated = repeats(mounts.map(({ mountPath }) => mountPath));
  return mounts.flatMap((mount, at) => {
    const here = `${path}.volumeMounts[${at}]`;
    const { mountPath = "", mountPropagation, name = "", subPath, subPathExpr } = mount;
    const isTwice = mountPath !== "" && isRepeated[at];
    const isUnknown = name !== "" && !volumes.has(name);
    const hasBoth = (subPath ?? "") !== "" && (subPathExpr ?? "") !== "";
    const reachesOut =
      mountPropagation === "Bidirectional" && container.securityContext?.privileged !== true;
    return [
      ...nonEmpty(`${here}.name`, name),
      ...(isUnknown ? [notFound(`${here}.name`, name)] : []),
      ...nonEmpty(`${here}.mountPath`, mountPath),
      ...(isTwice ? [invalid(`${here}.mountPath`, mountPath, "must be unique")] : []),
      ...pathBelow(`${here}.subPath`, subPath),
      ...pathBelow(`${here}.subPathExpr`, subPathExpr),
      ...(hasBoth
        ? [
            invalid(
              `${here}.subPathExpr`,
              subPathExpr,
              "subPathExpr and subPath are mutually exclusive",
            ),
          ]
        : []),
      ...oneOf(`${here}.mountPropagation`, mountPropagation, PROPAGATIONS),
      ...(reachesOut
        ? [
            forbidden(
              `${here}.mountPropagation`,
              "Bidirectional mount propagation is available only to privileged containers",
            ),
          ]
        : []),
    ];
  });
}
