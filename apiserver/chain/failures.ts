/** The failures that several verbs share, in the words that Kubernetes' clients know. */
import { type StatusCause, StatusError } from "#lib/status-error";
import type { Resource } from "#resources";

/** `pods`, `deployments.apps`. */
export function qualified(resource: Resource): string {
  return resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`;
}

export function notFound(resource: Resource, name: string): StatusError {
  return new StatusError("NotFound", `${qualified(resource)} "${name}" not found`, {
    details: about(resource, name),
  });
}

export function alreadyExists(resource: Resource, name: string): StatusError {
  return new StatusError("AlreadyExists", `${qualified(resource)} "${name}" already exists`, {
    details: about(resource, name),
  });
}

export function conflict(resource: Resource, name: string, why: string): StatusError {
  const message = `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`;
  return new StatusError("Conflict", message, { details: about(resource, name) });
}

export const MODIFIED =
  "the object has been modified; please apply your changes to the latest version and try again";

/** As many as the decoder names; an object that has more faults is broken as a whole, and telling all could take megabytes. */
const CAUSES_MAX = 100;

export function invalid(
  resource: Resource,
  name: string,
  all: readonly StatusCause[],
): StatusError {
  const causes = all.slice(0, CAUSES_MAX);
  const kind = resource.group === "" ? resource.kind : `${resource.kind}.${resource.group}`;
  const texts = causes.map((c) => (c.field === undefined ? c.message : `${c.field}: ${c.message}`));
  if (all.length > CAUSES_MAX) texts.push(`and ${all.length - CAUSES_MAX} more`);
  const list = texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`;
  return new StatusError("Invalid", `${kind} "${name}" is invalid: ${list}`, {
    details: { name, group: resource.group, kind: resource.kind, causes },
  });
}

export function methodNotAllowed(resource: Resource): StatusError {
  return new StatusError(
    "MethodNotAllowed",
    "the server does not allow this method on the requested resource",
    { details: { group: resource.group, kind: resource.plural } },
  );
}

function about(resource: Resource, name: string) {
  return { name, group: resource.group, kind: resource.plural };
}

/** Heard by nobody: it ends the work. */
export function abandoned(): StatusError {
  return new StatusError("Timeout", "nobody waits for the outcome of the request any more");
}
