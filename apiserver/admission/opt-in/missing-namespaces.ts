/** Two ways to meet requests in namespaces that are not there: to make them, and to refuse whatever it is. */
import { uuid } from "#lib/random";
import { StatusError } from "#lib/status-error";
import { apiVersionOf, namespaces } from "#resources";
import { timestamp } from "../../chain/object-meta.ts";
import type { AdmissionAccess, Reader } from "../../chain/steps.ts";
import type { Plugin } from "../plugin.ts";

/** NamespaceAutoProvision. */
export function namespaceAutoProvision(access: AdmissionAccess): Plugin {
  return ({ dryRun, namespace, operation, resource }) => {
    const isMeant = operation === "CREATE" && resource.namespaced && !dryRun;
    return isMeant && namespace !== undefined ? provide(access, namespace) : undefined;
  };
}

async function provide(
  { clock, random, reader, rules, writer }: AdmissionAccess,
  name: string,
): Promise<undefined> {
  if ((await reader.get(namespaces, undefined, name)) !== undefined) return;
  const creationTimestamp = timestamp(clock.nowMs());
  const object = rules.prepareForCreate(namespaces, {
    apiVersion: apiVersionOf(namespaces),
    kind: namespaces.kind,
    metadata: { name, uid: uuid(random), creationTimestamp },
  });
  // A name that cannot be one is for the next to refuse, who finds no namespace.
  if (rules.validateCreate(namespaces, object).length > 0) return;
  // If somebody else was faster, it is there as well.
  await writer.commit([
    { kind: "put", resource: namespaces, object, managedFields: [], ifRevision: 0 },
  ]);
}

/** NamespaceExists. */
export const namespaceExists: Plugin = (request, reader) => {
  const { namespace, operation, resource } = request;
  if (namespace === undefined || !resource.namespaced || operation === "CONNECT") return undefined;
  return checkExists(namespace, reader);
};

async function checkExists(namespace: string, reader: Reader): Promise<undefined> {
  if ((await reader.get(namespaces, undefined, namespace)) !== undefined) return;
  const details = { name: namespace, kind: namespaces.plural };
  throw new StatusError("NotFound", `namespaces "${namespace}" not found`, { details });
}
