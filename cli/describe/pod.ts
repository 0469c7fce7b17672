import type {
  Container,
  ContainerState,
  ContainerStatus,
  EnvVar,
  Pod,
  Probe,
  Volume,
} from "#proto/core/v1";
import type { Described } from "../print/description.ts";
import { conditionPairs, keyValues, metadataPairs, type Pairs } from "./common.ts";

export function describePod(pod: Pod): Pairs {
  const { spec, status } = pod;
  return [
    ...metadataPairs(pod),
    ["Priority", String(spec.priority ?? 0)],
    ["Service Account", spec.serviceAccountName],
    ["Node", spec.nodeName === undefined ? "<none>" : `${spec.nodeName}/${status.hostIP ?? ""}`],
    ["Start Time", status.startTime],
    ["Status", pod.metadata.deletionTimestamp === undefined ? status.phase : "Terminating"],
    ["Reason", status.reason],
    ["Message", status.message],
    ["IP", status.podIP],
    ["QoS Class", status.qosClass],
    ["Init Containers", containers(spec.initContainers, status.initContainerStatuses)],
    ["Containers", containers(spec.containers, status.containerStatuses)],
    ["Conditions", conditionPairs(status.conditions)],
    [
      "Volumes",
      (spec.volumes ?? []).map((volume): readonly [string, Described] => [
        volume.name,
        describeVolume(volume),
      ]),
    ],
    ["Node-Selectors", keyValues(spec.nodeSelector)],
    ["Tolerations", (spec.tolerations ?? []).map(toleration)],
  ];
}

function containers(
  specs: readonly Container[] | undefined,
  statuses: readonly ContainerStatus[] | undefined,
): Described {
  if (specs === undefined) return undefined;
  return specs.map((spec): readonly [string, Described] => [
    spec.name,
    describeContainer(
      spec,
      statuses?.find((each) => each.name === spec.name),
    ),
  ]);
}

/** Also for pod templates, where there is no status. */
export function describeContainer(spec: Container, status?: ContainerStatus): Pairs {
  return [
    ["Container ID", status?.containerID],
    ["Image", spec.image],
    ["Image ID", status?.imageID],
    [
      "Ports",
      spec.ports?.map(
        (port) =>
          `${port.containerPort}/${port.protocol ?? "TCP"}${port.name === undefined ? "" : ` (${port.name})`}`,
      ),
    ],
    ["Command", spec.command],
    ["Args", spec.args],
    ["State", status && describeState(status.state)],
    ["Last State", status?.lastState?.terminated && describeState(status.lastState)],
    ["Ready", status && String(status.ready)],
    ["Restart Count", status && String(status.restartCount)],
    ["Limits", spec.resources?.limits && keyValues(spec.resources.limits, ": ")],
    ["Requests", spec.resources?.requests && keyValues(spec.resources.requests, ": ")],
    ["Liveness", spec.livenessProbe && describeProbe(spec.livenessProbe)],
    ["Readiness", spec.readinessProbe && describeProbe(spec.readinessProbe)],
    ["Startup", spec.startupProbe && describeProbe(spec.startupProbe)],
    ["Environment", spec.env?.map(variable)],
    [
      "Mounts",
      spec.volumeMounts?.map(
        (mount) =>
          `${mount.mountPath} from ${mount.name} (${mount.readOnly === true ? "ro" : "rw"})`,
      ),
    ],
  ];
}

function describeState(state: ContainerState | undefined): Described {
  if (state?.running !== undefined)
    return `Running since ${state.running.startedAt ?? "<unknown>"}`;
  if (state?.terminated !== undefined) {
    const { reason, exitCode, signal, startedAt, finishedAt, message } = state.terminated;
    return [
      ["Terminated", reason ?? ""],
      [
        "Exit Code",
        signal === undefined || signal === 0 ? String(exitCode) : `${exitCode} (signal ${signal})`,
      ],
      ["Started", startedAt],
      ["Finished", finishedAt],
      ["Message", message],
    ];
  }
  const { reason = "", message } = state?.waiting ?? {};
  return `Waiting: ${reason}${message === undefined ? "" : `: ${message}`}`;
}

function describeProbe(probe: Probe): string {
  const action =
    probe.httpGet !== undefined
      ? `http-get ${(probe.httpGet.scheme ?? "HTTP").toLowerCase()}://${probe.httpGet.host ?? ""}:${probe.httpGet.port}${probe.httpGet.path ?? "/"}`
      : probe.tcpSocket !== undefined
        ? `tcp-socket :${probe.tcpSocket.port}`
        : probe.grpc !== undefined
          ? `grpc :${probe.grpc.port}`
          : `exec ${JSON.stringify(probe.exec?.command ?? [])}`;
  const times = `delay=${probe.initialDelaySeconds ?? 0}s timeout=${probe.timeoutSeconds ?? 1}s period=${probe.periodSeconds ?? 10}s`;
  return `${action} ${times} #success=${probe.successThreshold ?? 1} #failure=${probe.failureThreshold ?? 3}`;
}

function variable(env: EnvVar): string {
  const { name, value = "", valueFrom } = env;
  if (valueFrom === undefined) return `${name}: ${value}`;
  const { configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef } = valueFrom;
  if (configMapKeyRef !== undefined)
    return `${name}: <key ${configMapKeyRef.key} of config map ${configMapKeyRef.name}>`;
  if (secretKeyRef !== undefined)
    return `${name}: <key ${secretKeyRef.key} of secret ${secretKeyRef.name}>`;
  return `${name}: <${fieldRef?.fieldPath ?? resourceFieldRef?.resource ?? ""}>`;
}

function describeVolume(volume: Volume): string {
  if (volume.configMap !== undefined) return `ConfigMap ${volume.configMap.name}`;
  if (volume.secret !== undefined) return `Secret ${volume.secret.secretName ?? ""}`;
  if (volume.hostPath !== undefined) return `HostPath ${volume.hostPath.path}`;
  if (volume.emptyDir !== undefined) {
    const { medium, sizeLimit } = volume.emptyDir;
    return `EmptyDir${medium === undefined ? "" : ` (${medium})`}${sizeLimit === undefined ? "" : `, at most ${sizeLimit}`}`;
  }
  const [kind = "unknown"] = Object.keys(volume).filter((key) => key !== "name");
  return kind;
}

function toleration(each: NonNullable<Pod["spec"]["tolerations"]>[number]): string {
  const value = each.value === undefined ? "" : `=${each.value}`;
  const time = each.tolerationSeconds === undefined ? "" : ` for ${each.tolerationSeconds}s`;
  return `${each.key ?? ""}${value}:${each.effect ?? ""} op=${each.operator ?? "Equal"}${time}`;
}
