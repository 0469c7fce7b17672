/** What a pod's containers live in together. Pure. */
import { qosClass } from "#lib/api/pod-resources";
import type { Pod } from "#proto/core/v1";
import type { PublishedPort } from "../network/pod-network.ts";
import type { SandboxConfig } from "../runtime/runtime.ts";
import { hostnameOf } from "./etc-files.ts";
import { sandboxLimits } from "./limits.ts";

export function sandboxConfig(pod: Pod): SandboxConfig {
  const { spec, metadata } = pod;
  const sysctls = (spec.securityContext?.sysctls ?? []).map(({ name, value }) => [name, value]);
  return {
    id: metadata.uid,
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    hostname: hostnameOf(pod),
    host: {
      network: spec.hostNetwork ?? false,
      ipc: spec.hostIPC ?? false,
      pid: spec.hostPID ?? false,
    },
    sysctls: Object.fromEntries(sysctls),
    limits: sandboxLimits(pod),
    qos: qosClass(pod),
    sharePid: spec.shareProcessNamespace ?? false,
  };
}

/** With the node's own network there is nothing to publish. */
export function publishedPorts({ spec }: Pod, podIp: string): readonly PublishedPort[] {
  if (spec.hostNetwork === true) return [];
  return spec.containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, containerPort, protocol = "TCP", hostIP = "" }) =>
      hostPort === undefined || hostPort === 0 || protocol === "SCTP"
        ? []
        : [{ protocol, hostIp: hostIP, hostPort, podIp, podPort: containerPort }],
    ),
  );
}
