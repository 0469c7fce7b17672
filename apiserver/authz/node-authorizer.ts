import type { Pod } from "#proto/core/v1";
import { pods } from "#resources";
import { nodeOfUser } from "../admission/node-restriction.ts";
import type { AccessRequest, Reader } from "../chain/steps.ts";

const READ = ["get", "list", "watch"];

/** What every agent may do, by `resource.group`; admission then keeps it to its own node. */
const GRANTS: Readonly<Record<string, readonly string[]>> = {
  "nodes.": [...READ, "create", "patch", "update"],
  "nodes/status.": ["patch", "update"],
  "pods.": [...READ, "delete"],
  "pods/status.": ["patch", "update"],
  "services.": READ,
  "endpoints.": READ,
  "namespaces.": READ,
  "endpointslices.discovery.k8s.io": READ,
  "events.": ["create", "patch", "update"],
  "events.events.k8s.io": ["create", "patch", "update"],
  "leases.coordination.k8s.io": ["create", "delete", "get", "patch", "update"],
};

/** Objects that an agent may read only because a pod of its node needs them. */
type Referenced = "configmaps" | "secrets";

export async function nodeMay(request: AccessRequest, reader: Reader): Promise<boolean> {
  const node = nodeOfUser(request.user);
  if (node === undefined || request.resource === undefined) return false;
  const { group = "", resource, subresource, verb } = request;
  const key = `${resource}${subresource === undefined ? "" : `/${subresource}`}.${group}`;
  if (GRANTS[key]?.includes(verb) === true) return true;
  if ((resource !== "configmaps" && resource !== "secrets") || !READ.includes(verb)) return false;
  if (request.name === undefined || request.namespace === undefined) return false;
  return isReferenced(reader, node, resource, request as { namespace: string; name: string });
}

async function isReferenced(
  reader: Reader,
  node: string,
  kind: Referenced,
  { name, namespace }: { readonly namespace: string; readonly name: string },
): Promise<boolean> {
  const fieldSelector = `spec.nodeName=${node}`;
  const { items } = await reader.list({ resource: pods, namespace, fieldSelector });
  return items.some((item) => namesIn(item.object as Pod, kind).includes(name));
}

/** Names of the ConfigMaps or Secrets that a pod uses, wherever it names them. */
export function namesIn(pod: Pod, kind: Referenced): readonly string[] {
  const { containers, imagePullSecrets = [], initContainers = [], volumes = [] } = pod.spec;
  const isSecret = kind === "secrets";
  const fromContainers = [...containers, ...initContainers].flatMap(
    ({ env = [], envFrom = [] }) => [
      ...env.map(
        ({ valueFrom }) => (isSecret ? valueFrom?.secretKeyRef : valueFrom?.configMapKeyRef)?.name,
      ),
      ...envFrom.map((each) => (isSecret ? each.secretRef : each.configMapRef)?.name),
    ],
  );
  const fromVolumes = volumes.flatMap((volume) => [
    isSecret ? volume.secret?.secretName : volume.configMap?.name,
    ...(volume.projected?.sources ?? []).map(
      (each) => (isSecret ? each.secret : each.configMap)?.name,
    ),
  ]);
  const fromPulls = isSecret ? imagePullSecrets.map((each) => each.name) : [];
  return [...fromContainers, ...fromVolumes, ...fromPulls].filter((name) => name !== undefined);
}
