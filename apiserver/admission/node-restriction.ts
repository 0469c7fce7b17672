import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { Pod } from "#proto/core/v1";
import { leases, nodes, pods } from "#resources";
import type { AdmissionRequest } from "../chain/steps.ts";
import type { Plugin } from "./plugin.ts";

const USER = "system:node:";
const GROUP = "system:nodes";

/** The name of the node whose agent asks; undefined for everyone else. */
export function nodeOfUser(user: AdmissionRequest["user"]): string | undefined {
  if (!user.groups.includes(GROUP) || !user.name.startsWith(USER)) return undefined;
  return user.name.slice(USER.length);
}

/** An agent changes its own node, its own lease and its own pods, and nothing else: one stolen node is not the cluster. */
export const nodeRestriction: Plugin = async (request, reader) => {
  const node = nodeOfUser(request.user);
  if (node === undefined) return undefined;
  const { name = "", namespace, operation, resource } = request;
  if (resource === nodes && name !== node)
    throw refused(request, `node "${node}" is not allowed to modify node "${name}"`);
  if (resource === leases && name !== node)
    throw refused(request, `node "${node}" may only access its own lease`);
  if (resource !== pods) return undefined;
  if (operation === "CREATE" && request.subresource === undefined) {
    throw refused(request, `node "${node}" may not create pods`);
  }
  const found = request.oldObject ?? (await reader.get(pods, namespace, name))?.json;
  if (found !== undefined && nodeName(found) !== node) {
    throw refused(request, `node "${node}" can only change pods with spec.nodeName set to itself`);
  }
  return undefined;
};

function nodeName(pod: JsonObject): string | undefined {
  return (pod as unknown as Pod).spec.nodeName;
}

function refused({ name = "", resource }: AdmissionRequest, why: string): StatusError {
  return new StatusError("Forbidden", `${resource.plural} "${name}" is forbidden: ${why}`);
}
