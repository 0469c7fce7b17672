import { isDeepStrictEqual } from "node:util";
import { HOSTNAME, LOCAL_PATH } from "#lib/api/persistent-volume";
import type { JsonObject } from "#lib/json";
import type { PersistentVolume, Pod } from "#proto/core/v1";
import { leases, nodes, persistentVolumes, pods, serviceAccounts } from "#resources";
import type { AdmissionRequest, Reader } from "../chain/steps.ts";
import { forbiddenNodeLabels } from "./node-labels.ts";
import { checkNodesToken } from "./node-tokens.ts";
import type { Plugin } from "./plugin.ts";
import { refused } from "./refusal.ts";

const USER = "system:node:";
const GROUP = "system:nodes";
const LEASE_NAMESPACE = "kube-node-lease";

/** The name of the node whose agent asks; undefined for everyone else. */
export function nodeOfUser(user: AdmissionRequest["user"]): string | undefined {
  if (!user.groups.includes(GROUP) || !user.name.startsWith(USER)) return undefined;
  return user.name.slice(USER.length);
}

/** An agent changes its own node, its own lease and its own pods, and nothing else: one stolen node is not the cluster. */
export const nodeRestriction: Plugin = (request, reader) => {
  const node = nodeOfUser(request.user);
  if (node === undefined) return undefined;
  if (request.resource === nodes) checkNode(request, node);
  if (request.resource === leases) checkLease(request, node);
  if (request.resource === serviceAccounts && request.subresource === "token")
    return checkNodesToken(request, node, reader);
  if (request.resource === persistentVolumes) checkVolume(request, node);
  return request.resource === pods ? checkPod(request, node, reader) : undefined;
};

/** Labels and taints decide which pods come; a node that could set them could call any pod, and its secrets, to itself. */
function checkNode(request: AdmissionRequest, node: string): void {
  const { name = "", object, oldObject } = request;
  if (name !== node)
    throw refused(request, `node "${node}" is not allowed to modify node "${name}"`);
  if (object === undefined) return;
  const refusedLabels = forbiddenNodeLabels(labelsOf(object), labelsOf(oldObject));
  if (refusedLabels.length > 0) {
    const list = refusedLabels.join(", ");
    throw refused(request, `is not allowed to modify labels: ${list}`);
  }
  const changesTaints =
    oldObject !== undefined && !isDeepStrictEqual(taintsOf(object), taintsOf(oldObject));
  if (changesTaints) throw refused(request, `node "${node}" is not allowed to modify taints`);
}

function checkLease(request: AdmissionRequest, node: string): void {
  const { name = "", namespace } = request;
  if (namespace !== LEASE_NAMESPACE) {
    const why = `can only access leases in the "${LEASE_NAMESPACE}" system namespace`;
    throw refused(request, why);
  }
  if (name !== node) throw refused(request, `node "${node}" may only access its own lease`);
}

/** Of a deleted volume on its own disk it says that the data is gone; nothing else. */
function checkVolume(request: AdmissionRequest, node: string): void {
  const { object, oldObject } = request;
  if (object === undefined || oldObject === undefined)
    throw refused(request, `node "${node}" may not create or delete volumes`);
  const { metadata } = oldObject as unknown as PersistentVolume;
  const isOwn = metadata.labels?.[HOSTNAME] === node && metadata.deletionTimestamp !== undefined;
  const finalizers = metadata.finalizers?.filter((each) => each !== LOCAL_PATH) ?? [];
  const expected = withoutBookkeeping({ ...oldObject, metadata: { ...metadata, finalizers } });
  if (!isOwn || !isDeepStrictEqual(withoutBookkeeping(object), expected))
    throw refused(request, `node "${node}" may only release deleted volumes of its own`);
}

/** What the server itself writes with every change. */
function withoutBookkeeping(object: object): JsonObject {
  const { metadata, ...rest } = object as { readonly metadata: JsonObject };
  const { finalizers = [], managedFields: _m, resourceVersion: _r, ...others } = metadata;
  return { ...rest, metadata: { ...others, finalizers } };
}

async function checkPod(
  request: AdmissionRequest,
  node: string,
  reader: Reader,
): Promise<undefined> {
  const { name = "", namespace, object, operation, subresource } = request;
  if (operation === "CREATE" && subresource === undefined)
    throw refused(request, `node "${node}" may not create pods`);
  const held = request.oldObject ?? (await reader.get(pods, namespace, name))?.json;
  if (held === undefined) return;
  if ((held as unknown as Pod).spec.nodeName !== node)
    throw refused(request, `node "${node}" can only change pods with spec.nodeName set to itself`);
  // By its labels a pod is chosen for services, policies and owners.
  if (operation === "UPDATE" && object !== undefined && !isSame(labelsOf(object), labelsOf(held)))
    throw refused(request, `node "${node}" cannot update labels through pod status`);
}

function labelsOf(object: JsonObject | undefined): Readonly<Record<string, string>> {
  const { labels = {} } = (object?.["metadata"] ?? {}) as {
    readonly labels?: Readonly<Record<string, string>>;
  };
  return labels;
}

function taintsOf(object: JsonObject): unknown {
  return ((object["spec"] ?? {}) as JsonObject)["taints"] ?? [];
}

function isSame(a: object, b: object): boolean {
  return isDeepStrictEqual({ ...a }, { ...b });
}
