import { StatusError } from "#lib/status-error";
import type { Namespace } from "#proto/core/v1";
import { namespaces } from "#resources";
import type { AdmissionRequest, Reader } from "../chain/steps.ts";
import type { Plugin } from "./plugin.ts";

/** Without these no cluster works. */
const IMMORTAL = new Set(["default", "kube-system", "kube-public"]);

/** Nothing new in a namespace that is not there, or is on its way out; and some namespaces stay. */
export const namespaceLifecycle: Plugin = (request, reader) => {
  const { name = "", namespace, operation, resource } = request;
  if (operation === "DELETE" && resource === namespaces && IMMORTAL.has(name)) {
    throw new StatusError(
      "Forbidden",
      `namespaces "${name}" is forbidden: this namespace may not be deleted`,
    );
  }
  if (operation !== "CREATE" || namespace === undefined || !resource.namespaced) return undefined;
  return checkNamespace(request, namespace, reader);
};

async function checkNamespace(
  { name = "", resource }: AdmissionRequest,
  namespace: string,
  reader: Reader,
): Promise<undefined> {
  const found = await reader.get(namespaces, undefined, namespace);
  if (found === undefined) {
    const details = { name: namespace, kind: "namespaces" };
    throw new StatusError("NotFound", `namespaces "${namespace}" not found`, { details });
  }
  const { metadata } = found.object as Namespace;
  if (metadata.deletionTimestamp === undefined) return undefined;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  throw new StatusError("Forbidden", `${resource.plural} "${name}" is forbidden: ${why}`, {
    details: {
      name,
      kind: resource.plural,
      causes: [
        {
          reason: "NamespaceTerminating",
          message: `namespace ${namespace} is being terminated`,
          field: "metadata.namespace",
        },
      ],
    },
  });
}
