/** The first step of every verb: may this user do that? */
import { StatusError } from "#lib/status-error";
import type { Resource } from "#resources";
import { methodNotAllowed } from "./failures.ts";
import type { AccessVerdict, Annotate, Call, Steps } from "./steps.ts";

/** Throws Forbidden, in kubectl's familiar words. `fieldSelector` is what a list, watch or deletion of many is narrowed to. */
export async function authorize(
  steps: Pick<Steps, "authorizer">,
  call: Call,
  verb: string,
  fieldSelector?: string,
): Promise<void> {
  const { resource, subresource, namespace, name } = call;
  if (subresource === undefined && !(resource.verbs as readonly string[]).includes(verb))
    throw methodNotAllowed(resource);
  const verdict = await steps.authorizer.authorize({
    user: call.user,
    verb,
    group: resource.group,
    version: resource.version,
    resource: resource.plural,
    ...(subresource === undefined ? {} : { subresource }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
  });
  if (call.audit !== undefined) annotateVerdict(call.audit.annotate, verdict);
  if (!verdict.allowed) throw forbidden(call, verb, verdict.reason);
}

/** Kubernetes' annotations of an audit event. */
export function annotateVerdict(annotate: Annotate, { allowed, reason = "" }: AccessVerdict): void {
  annotate("authorization.k8s.io/decision", allowed ? "allow" : "forbid");
  annotate("authorization.k8s.io/reason", reason);
}

/** A list or watch of the one object of this name is judged as such: so an agent follows just what its pods use. */
export function ofSelected(call: Call, fieldSelector: string | undefined): Call {
  const name = /^metadata\.name==?([^,=!]+)$/.exec(fieldSelector ?? "")?.[1];
  return name === undefined ? call : { ...call, name };
}

function forbidden(call: Call, verb: string, reason: string): StatusError {
  const { resource, name } = call;
  const plural =
    call.subresource === undefined ? resource.plural : `${resource.plural}/${call.subresource}`;
  const scope =
    call.namespace === undefined ? "at the cluster scope" : `in the namespace "${call.namespace}"`;
  const what = `${subject(resource)}${name === undefined ? "" : ` "${name}"`} is forbidden`;
  const user = `User "${call.user.name}" cannot ${verb} resource "${plural}"`;
  const why = reason === "" ? "" : `: ${reason}`;
  return new StatusError(
    "Forbidden",
    `${what}: ${user} in API group "${resource.group}" ${scope}${why}`,
    {
      details: {
        ...(name === undefined ? {} : { name }),
        group: resource.group,
        kind: resource.plural,
      },
    },
  );
}

function subject(resource: Resource): string {
  return resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`;
}
