/** Which flow schema a request belongs to, and which flow of it. Pure. */
import type {
  FlowSchema,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
  Subject,
} from "#proto/flowcontrol/v1";
import type { User } from "../chain/steps.ts";

/** What of a request matters here. */
export interface RequestFacts {
  readonly user: User;
  /** As authorization has it: `list`, `deletecollection`; of a path, the method in small letters. */
  readonly verb: string;
  readonly path: string;
  /** Absent for paths that are about no resource. */
  readonly resource?: { readonly group: string; readonly plural: string };
  readonly subresource?: string;
  readonly namespace?: string;
}

/** The schema that counts first is first; of two with one precedence the name decides. */
export function inOrder(schemas: readonly FlowSchema[]): readonly FlowSchema[] {
  return schemas.toSorted(
    (a, b) =>
      a.spec.matchingPrecedence - b.spec.matchingPrecedence ||
      (a.metadata.name < b.metadata.name ? -1 : 1),
  );
}

export function matches(schema: FlowSchema, request: RequestFacts): boolean {
  for (const rule of schema.spec.rules ?? []) if (ruleMatches(rule, request)) return true;
  return false;
}

/** Requests of one flow wait in line behind one another; without a distinguisher a schema is one flow. */
export function flowOf(schema: FlowSchema, { namespace = "", user }: RequestFacts): string {
  switch (schema.spec.distinguisherMethod?.type) {
    case "ByUser":
      return `${schema.metadata.name}/${user.name}`;
    case "ByNamespace":
      return `${schema.metadata.name}/${namespace}`;
    default:
      return schema.metadata.name;
  }
}

function ruleMatches(rule: PolicyRulesWithSubjects, request: RequestFacts): boolean {
  if (!rule.subjects.some((subject) => subjectMatches(subject, request.user))) return false;
  return request.resource === undefined
    ? (rule.nonResourceRules ?? []).some((each) => pathMatches(each, request))
    : (rule.resourceRules ?? []).some((each) => resourceMatches(each, request));
}

const ACCOUNT = "system:serviceaccount:";

function subjectMatches({ group, kind, serviceAccount, user }: Subject, asking: User): boolean {
  switch (kind) {
    case "User":
      return user?.name === "*" || user?.name === asking.name;
    case "Group":
      return group?.name === "*" || asking.groups.includes(group?.name ?? "");
    case "ServiceAccount": {
      if (serviceAccount === undefined || !asking.name.startsWith(ACCOUNT)) return false;
      const { name, namespace } = serviceAccount;
      const prefix = `${ACCOUNT}${namespace}:`;
      return name === "*" ? asking.name.startsWith(prefix) : asking.name === prefix + name;
    }
    default:
      return false;
  }
}

function resourceMatches(rule: ResourcePolicyRule, request: RequestFacts): boolean {
  const { namespace = "", resource, subresource, verb } = request;
  if (resource === undefined) return false;
  const { group, plural } = resource;
  const name = subresource === undefined ? plural : `${plural}/${subresource}`;
  return (
    isAmong(rule.verbs, verb) &&
    isAmong(rule.apiGroups, group) &&
    isAmong(rule.resources, name) &&
    (namespace === "" ? rule.clusterScope === true : isAmong(rule.namespaces, namespace))
  );
}

function pathMatches(
  { nonResourceURLs, verbs }: NonResourcePolicyRule,
  { path, verb }: RequestFacts,
): boolean {
  return isAmong(verbs, verb) && nonResourceURLs.some((url) => urlMatches(url, path));
}

/** A path counts for all that is below it, too. */
function urlMatches(url: string, path: string): boolean {
  if (url === "*" || url === path) return true;
  const start = url.endsWith("*") ? url.slice(0, -1) : url;
  return path.startsWith(start.endsWith("/") ? start : `${start}/`);
}

function isAmong(list: readonly string[] | undefined, value: string): boolean {
  return list !== undefined && (list[0] === "*" || list.includes(value));
}
