import type { JsonObject } from "#lib/json";
import { completePodResources } from "./pod-level-resources.ts";

type Amounts = Readonly<Record<string, string>>;

/** Defaults of a pod's spec that depend on other fields. */
export function completePodSpec(spec: JsonObject): JsonObject {
  const each = (name: string): JsonObject => {
    const list = spec[name] as readonly JsonObject[] | undefined;
    return list === undefined
      ? {}
      : {
          [name]: list.map((container) =>
            completeContainer(container, spec["hostNetwork"] === true),
          ),
        };
  };
  return {
    ...spec,
    ...completePodResources({ ...spec, ...each("initContainers"), ...each("containers") }),
    ...completeVolumes(spec),
    serviceAccountName: spec["serviceAccountName"] || spec["serviceAccount"] || "default",
    serviceAccount: spec["serviceAccountName"] || spec["serviceAccount"] || "default",
  };
}

/** A volume that says nothing of what it is is an empty directory. */
export function completeVolumes(spec: JsonObject): { readonly volumes?: readonly JsonObject[] } {
  const volumes = spec["volumes"] as readonly JsonObject[] | undefined;
  if (volumes === undefined) return {};
  return {
    volumes: volumes.map((volume) =>
      Object.keys(volume).some((key) => key !== "name") ? volume : { ...volume, emptyDir: {} },
    ),
  };
}

function completeContainer(container: JsonObject, hostNetwork: boolean): JsonObject {
  const ports = container["ports"] as readonly JsonObject[] | undefined;
  const onHost = hostNetwork && ports !== undefined;
  return {
    ...container,
    ...(onHost
      ? {
          ports: ports.map((port) => ({
            ...port,
            hostPort: port["hostPort"] ?? port["containerPort"] ?? 0,
          })),
        }
      : {}),
    resources: completeResources((container["resources"] ?? {}) as JsonObject),
  };
}

/** Who limits a resource and does not say what is needed needs the limit. */
export function completeResources(resources: JsonObject): JsonObject {
  const { limits, requests } = resources as unknown as {
    readonly limits?: Amounts;
    readonly requests?: Amounts;
  };
  return limits === undefined ? resources : { ...resources, requests: { ...limits, ...requests } };
}
