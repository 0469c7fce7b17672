/** Nobody grants what he does not hold himself: else whoever may write roles is an administrator. */
import { isDeepStrictEqual } from "node:util";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { ClusterRole, ClusterRoleBinding, PolicyRule } from "#proto/rbac/v1";
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from "#resources";
import type { Authorizer as Access, Admission, AdmissionRequest, User } from "../chain/steps.ts";
import { missingRules } from "./rule-cover.ts";
import { rulesText, userText } from "./rule-text.ts";

const GROUP = "rbac.authorization.k8s.io";
const MASTERS = "system:masters";
/** What one must hold to let a role collect others' rules, whatever those will be. */
export const EVERYTHING: readonly PolicyRule[] = [
  { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
  { verbs: ["*"], nonResourceURLs: ["*"] },
];

/** An authorizer that also tells its rules. */
export interface Authorizer extends Access {
  /** All that the user holds there; without a namespace, in the whole cluster. */
  rulesFor(user: User, namespace: string | undefined): Promise<readonly PolicyRule[]>;
  /** What a role grants; undefined when there is none. */
  rulesOf(
    role: { readonly kind: string; readonly name: string },
    namespace: string | undefined,
  ): Promise<readonly PolicyRule[] | undefined>;
}

/** Whether there are roles at all: a simulation may let everyone do everything. */
export function tellsRules(authorizer: Access): authorizer is Authorizer {
  return "rulesFor" in authorizer && "rulesOf" in authorizer;
}

/** Admission, and then a look at what a role or binding would grant. */
export function withoutEscalation(admission: Admission, authorizer: Access): Admission {
  if (!tellsRules(authorizer)) return admission;
  return {
    mutate: (request) => admission.mutate(request),
    async validate(request) {
      const { object, user } = request;
      if (object !== undefined && !user.groups.includes(MASTERS))
        await check(authorizer, request, object);
      await admission.validate(request);
    },
  };
}

async function check(
  authorizer: Authorizer,
  request: AdmissionRequest,
  object: JsonObject,
): Promise<void> {
  const { operation, resource } = request;
  if (operation !== "CREATE" && operation !== "UPDATE") return;
  if (resource === roles || resource === clusterRoles) await checkRole(authorizer, request, object);
  if (resource === roleBindings || resource === clusterRoleBindings)
    await checkBinding(authorizer, request, object);
}

async function checkRole(
  authorizer: Authorizer,
  request: AdmissionRequest,
  object: JsonObject,
): Promise<void> {
  const { name = "", oldObject, resource } = request;
  if (isSame(object, oldObject, ["rules", "aggregationRule"])) return;
  if (await may(authorizer, request, { verb: "escalate", resource: resource.plural, name })) return;
  const { aggregationRule, rules = [] } = object as unknown as ClusterRole;
  const collects = (aggregationRule?.clusterRoleSelectors ?? []).length > 0;
  if (collects && missingRules(EVERYTHING, await held(authorizer, request)).length > 0)
    throw forbidden(request, "must have cluster-admin privileges to use the aggregationRule");
  await confirm(authorizer, request, rules);
}

async function checkBinding(
  authorizer: Authorizer,
  request: AdmissionRequest,
  object: JsonObject,
): Promise<void> {
  if (isSame(object, request.oldObject, ["roleRef", "subjects"])) return;
  const { kind, name } = (object as unknown as ClusterRoleBinding).roleRef;
  const resource = kind === "Role" ? roles.plural : clusterRoles.plural;
  if (await may(authorizer, request, { verb: "bind", resource, name })) return;
  const granted = await authorizer.rulesOf({ kind, name }, request.namespace);
  if (granted === undefined) {
    const details = { name, group: GROUP, kind: resource };
    throw new StatusError("NotFound", `${resource}.${GROUP} "${name}" not found`, { details });
  }
  await confirm(authorizer, request, granted);
}

async function confirm(
  authorizer: Authorizer,
  request: AdmissionRequest,
  granted: readonly PolicyRule[],
): Promise<void> {
  const missing = missingRules(granted, await held(authorizer, request));
  if (missing.length === 0) return;
  throw forbidden(
    request,
    `${userText(request.user)} is attempting to grant RBAC permissions not currently held:\n${rulesText(missing)}`,
  );
}

function held(
  authorizer: Authorizer,
  { namespace, user }: AdmissionRequest,
): Promise<readonly PolicyRule[]> {
  return authorizer.rulesFor(user, namespace);
}

async function may(
  authorizer: Authorizer,
  { namespace, user }: AdmissionRequest,
  asked: { readonly verb: string; readonly resource: string; readonly name: string },
): Promise<boolean> {
  const where = namespace === undefined ? {} : { namespace };
  const verdict = await authorizer.authorize({
    user,
    group: GROUP,
    version: "v1",
    ...where,
    ...asked,
  });
  return verdict.allowed;
}

function isSame(
  object: JsonObject,
  old: JsonObject | undefined,
  fields: readonly string[],
): boolean {
  return old !== undefined && fields.every((field) => isDeepStrictEqual(object[field], old[field]));
}

function forbidden({ name = "", resource }: AdmissionRequest, why: string): StatusError {
  const what = `${resource.plural}.${GROUP} "${name}" is forbidden`;
  return new StatusError("Forbidden", `${what}: ${why}`, {
    details: { name, group: GROUP, kind: resource.plural },
  });
}
