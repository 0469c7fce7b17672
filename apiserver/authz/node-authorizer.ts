import { claimsOf } from "#lib/api/persistent-volume";
import { allContainers } from "#lib/api/pod";
import type { Pod } from "#proto/core/v1";
import { pods } from "#resources";
import { nodeOfUser } from "../admission/node-restriction.ts";
import type { AccessRequest, Reader } from "../chain/steps.ts";
import type { NodePods } from "./node-pods.ts";

const READ = ["get", "list", "watch"];

/** What every agent may do, by `resource.group`; admission then keeps it to its own node. */
const GRANTS: Readonly<Record<string, readonly string[]>> = {
  "nodes.": [...READ, "create", "patch", "update"],
  "nodes/status.": ["patch", "update"],
  "pods.": ["delete"],
  "pods/status.": ["patch", "update"],
  "services.": READ,
  "endpoints.": READ,
  "namespaces.": READ,
  // Volumes of its own it cleans up; admission keeps it to those.
  "persistentvolumes.": [...READ, "patch", "update"],
  "endpointslices.discovery.k8s.io": READ,
  "events.": ["create", "patch", "update"],
  "events.events.k8s.io": ["create", "patch", "update"],
  "clustertrustbundles.certificates.k8s.io": READ,
  "certificatesigningrequests.certificates.k8s.io": [...READ, "create"],
  "leases.coordination.k8s.io": ["create", "delete", "get", "patch", "update"],
};

const TOKENS = "serviceaccounts/token.";

/** Objects that an agent may read only because a pod of its node needs them. */
type Referenced = "configmaps" | "persistentvolumeclaims" | "secrets";
const REFERENCED: readonly string[] = ["configmaps", "persistentvolumeclaims", "secrets"];

export async function nodeMay(
  request: AccessRequest,
  reader: Reader,
  podsOf: () => NodePods,
): Promise<boolean> {
  const node = nodeOfUser(request.user);
  if (node === undefined || request.resource === undefined) return false;
  const { group = "", resource, subresource, verb } = request;
  const key = `${resource}${subresource === undefined ? "" : `/${subresource}`}.${group}`;
  if (GRANTS[key]?.includes(verb) === true) return true;
  if (key === TOKENS && verb === "create") return mayRequestToken(request, node, reader);
  if (subresource !== undefined || group !== "" || !READ.includes(verb)) return false;
  if (resource === "pods") return mayReadPods(request, node, reader);
  if (!REFERENCED.includes(resource)) return false;
  return isUsed(resource as Referenced, request, node, { reader, podsOf });
}

/** By a pod of the node. */
async function isUsed(
  resource: Referenced,
  { name, namespace }: AccessRequest,
  node: string,
  { podsOf, reader }: { readonly reader: Reader; readonly podsOf: () => NodePods },
): Promise<boolean> {
  if (name === undefined || namespace === undefined) return false;
  const uses = (pod: Pod): boolean =>
    pod.metadata.namespace === namespace && namesIn(pod, resource).includes(name);
  const known = podsOf();
  await known.synced;
  for (const pod of known.of(node)) if (uses(pod)) return true;
  // Perhaps it was bound this instant, and is on its way here.
  const fieldSelector = `spec.nodeName=${node}`;
  const { items } = await reader.list({ resource: pods, namespace, fieldSelector });
  return items.some((item) => uses(item.object as Pod));
}

/** Of accounts that pods of its node run as; admission then looks at which pod it is bound to. */
async function mayRequestToken(
  { name, namespace }: AccessRequest,
  node: string,
  reader: Reader,
): Promise<boolean> {
  if (name === undefined || namespace === undefined) return false;
  const fieldSelector = `spec.nodeName=${node}`;
  const { items } = await reader.list({ resource: pods, namespace, fieldSelector });
  return items.some((item) => (item.object as Pod).spec.serviceAccountName === name);
}

/** Its own pods: all of them, when it asks for no others, or one by its name. */
async function mayReadPods(
  { fieldSelector, name, namespace, verb }: AccessRequest,
  node: string,
  reader: Reader,
): Promise<boolean> {
  if (verb !== "get" && isNarrowedTo(node, fieldSelector)) return true;
  if (name === undefined || namespace === undefined) return false;
  const found = await reader.get(pods, namespace, name);
  return (found?.object as Pod | undefined)?.spec.nodeName === node;
}

/** Terms narrow: one that is enough stays enough beside others. */
function isNarrowedTo(node: string, fieldSelector = ""): boolean {
  const terms = fieldSelector.split(",");
  return terms.includes(`spec.nodeName=${node}`) || terms.includes(`spec.nodeName==${node}`);
}

/** Names of the ConfigMaps, Secrets or claims that a pod uses, wherever it names them. */
export function namesIn(pod: Pod, kind: Referenced): readonly string[] {
  if (kind === "persistentvolumeclaims") return claimsOf(pod);
  const { imagePullSecrets = [], volumes = [] } = pod.spec;
  const isSecret = kind === "secrets";
  const fromContainers = allContainers(pod).flatMap(({ env = [], envFrom = [] }) => [
    ...env.map(
      ({ valueFrom }) => (isSecret ? valueFrom?.secretKeyRef : valueFrom?.configMapKeyRef)?.name,
    ),
    ...envFrom.map((each) => (isSecret ? each.secretRef : each.configMapRef)?.name),
  ]);
  const fromVolumes = volumes.flatMap((volume) => [
    isSecret ? volume.secret?.secretName : volume.configMap?.name,
    ...(volume.projected?.sources ?? []).map(
      (each) => (isSecret ? each.secret : each.configMap)?.name,
    ),
  ]);
  const fromPulls = isSecret ? imagePullSecrets.map((each) => each.name) : [];
  return [...fromContainers, ...fromVolumes, ...fromPulls].filter((name) => name !== undefined);
}
