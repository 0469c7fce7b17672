/** What the commands that send manifests share: where an object goes, and how the server's refusals are told. */
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { Resource } from "#resources";
import { RESOURCES } from "#resources";
import { customKinds } from "../kinds.ts";
import { kindsDefinedBy } from "../manifest/defined-kinds.ts";
import { fieldHint } from "../manifest/field-hint.ts";
import { formatPlace, type Manifest } from "../manifest/manifest.ts";
import { nearest } from "../nearest.ts";
import { resourceOf } from "../resource-arguments.ts";
import type { Session } from "../session.ts";
import { UserError } from "../terminal.ts";

export interface Target {
  readonly manifest: Manifest;
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string;
}

/**
 * Resolves kinds and namespaces of all, and refuses what contradicts the command line before anything is sent. Kinds that
 * the manifests themselves define are known; other custom ones are asked for.
 */
export async function targetsOf(
  session: Session,
  manifests: readonly Manifest[],
): Promise<readonly Target[]> {
  const known = [...RESOURCES, ...manifests.flatMap(kindsDefinedBy)];
  const isKnown = ({ apiVersion, kind }: Manifest): boolean =>
    resourceOf(apiVersion, kind, known) !== undefined;
  const kinds = manifests.every(isKnown)
    ? known
    : [...known, ...(await customKinds(session.connection))];
  return manifests.map((manifest) => targetOf(session, manifest, kinds));
}

function targetOf(session: Session, manifest: Manifest, kinds: readonly Resource[]): Target {
  const resource = resourceOf(manifest.apiVersion, manifest.kind, kinds);
  if (resource === undefined) throw unknownKind(manifest, kinds);
  if (manifest.name === undefined) {
    throw new UserError(
      `${formatPlace(manifest.place, "metadata")}: metadata.name is missing; give the ${manifest.kind} a name`,
    );
  }
  const { explicitNamespace } = session;
  if (
    resource.namespaced &&
    explicitNamespace !== undefined &&
    (manifest.namespace ?? explicitNamespace) !== explicitNamespace
  ) {
    throw new UserError(
      `${formatPlace(manifest.place, "metadata.namespace")}: the ${manifest.kind} names namespace ${JSON.stringify(manifest.namespace)}, the command line ${JSON.stringify(explicitNamespace)}; take one of them away`,
    );
  }
  const namespace = resource.namespaced ? (manifest.namespace ?? session.namespace) : undefined;
  return { manifest, resource, namespace, name: manifest.name };
}

/** The object as it is sent: with the namespace it goes to. */
export function bodyOf(target: Target): JsonObject {
  const { object } = target.manifest;
  if (target.namespace === undefined) return object;
  const metadata = object["metadata"] as JsonObject;
  return { ...object, metadata: { ...metadata, namespace: target.namespace } };
}

/** The server's refusal with the places in the file that it is about, one a line. */
export function explainRefusal(target: Target, error: unknown): unknown {
  if (!(error instanceof StatusError)) return error;
  const { manifest, resource, name } = target;
  const what = `${resource.singular}/${name}`;
  const causes = error.details?.causes ?? [];
  const fields =
    causes.length > 0
      ? causes.map(({ field, message }) => ({ field: field ?? "", message }))
      : fieldsIn(manifest, error.message);
  if (fields.length === 0) {
    const mend = isMissingNamespace(error)
      ? "; create it first, or put a Namespace object before this one"
      : "";
    return new UserError(`${formatPlace(manifest.place)}: ${what}: ${error.message}${mend}`, {
      cause: error,
    });
  }
  const lines = fields.map(({ field, message }) => {
    const separator = field === "" ? "" : `${field}: `;
    return `${formatPlace(manifest.place, field)}: ${what}: ${separator}${message}`;
  });
  return new UserError(lines.join("\n"), { cause: error });
}

function isMissingNamespace(error: StatusError): boolean {
  return error.reason === "NotFound" && error.details?.kind === "namespaces";
}

/** Strict decoding names fields within its message: `unknown field "spec.foo"`. */
function fieldsIn(manifest: Manifest, message: string): { field: string; message: string }[] {
  return [...message.matchAll(/(unknown|duplicate) field "([^"]+)"/g)].map(
    ([, sort = "", field = ""]) => ({
      field,
      message: sort === "unknown" ? unknownField(manifest, field) : "given twice",
    }),
  );
}

function unknownField({ apiVersion, kind }: Manifest, field: string): string {
  return `no such field; ${fieldHint(apiVersion, kind, field) ?? "check its spelling and its place"}`;
}

function unknownKind(manifest: Manifest, kinds: readonly Resource[]): UserError {
  const at = formatPlace(manifest.place, "kind");
  const sameKind = kinds.filter((each) => each.kind === manifest.kind);
  const versions = sameKind.map((each) =>
    each.group === "" ? each.version : `${each.group}/${each.version}`,
  );
  if (versions.length > 0) {
    return new UserError(
      `${at}: ${manifest.kind} is not in ${manifest.apiVersion}; write apiVersion: ${versions.join(" or ")}`,
    );
  }
  const near = nearest(
    manifest.kind,
    kinds.map((each) => each.kind),
  );
  const hint = near === undefined ? "" : `; did you mean ${near}?`;
  return new UserError(
    `${at}: this server knows no kind ${manifest.kind} (${manifest.apiVersion})${hint}`,
  );
}
