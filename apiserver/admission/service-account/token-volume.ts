/** The volume with what a program needs to speak to the API: token, authority, namespace. */
import { nameSuffix, type Random } from "#lib/random";
import type { Container, PodSpec, Volume } from "#proto/core/v1";

const PREFIX = "kube-api-access-";
const MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount";
/** An hour, and a few seconds by which Kubernetes' own tokens can be told. */
const LIFE_SECONDS = 3607;
const MODE = 0o644;

/** Mounts it into every container that has nothing there yet. The same spec when there is nothing to do. */
export function withToken(spec: PodSpec, random: Random): PodSpec {
  const { containers, initContainers, volumes = [] } = spec;
  const all = [...containers, ...(initContainers ?? [])];
  if (all.every(hasMount)) return spec;
  const known = volumes.find(({ name }) => name.startsWith(PREFIX))?.name;
  const name = known ?? `${PREFIX}${nameSuffix(random)}`;
  const mounted = (each: Container): Container => (hasMount(each) ? each : withMount(each, name));
  return {
    ...spec,
    containers: containers.map(mounted),
    ...(initContainers === undefined ? {} : { initContainers: initContainers.map(mounted) }),
    volumes: known === undefined ? [...volumes, accessVolume(name)] : volumes,
  };
}

function hasMount({ volumeMounts = [] }: Container): boolean {
  return volumeMounts.some(({ mountPath }) => mountPath === MOUNT_PATH);
}

function withMount(container: Container, name: string): Container {
  const mount = { name, readOnly: true, mountPath: MOUNT_PATH };
  return { ...container, volumeMounts: [...(container.volumeMounts ?? []), mount] };
}

function accessVolume(name: string): Volume {
  const namespace = { apiVersion: "v1", fieldPath: "metadata.namespace" };
  return {
    name,
    projected: {
      defaultMode: MODE,
      sources: [
        { serviceAccountToken: { path: "token", expirationSeconds: LIFE_SECONDS } },
        { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
        { downwardAPI: { items: [{ path: "namespace", fieldRef: namespace }] } },
      ],
    },
  };
}
