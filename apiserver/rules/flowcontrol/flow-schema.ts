import { labelNameProblem, subdomainProblem } from "#lib/api/names";
import { sameJson } from "#lib/same-json";
import type {
  FlowSchemaSpec,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
  Subject,
} from "#proto/flowcontrol/v1";
import { DEFAULT_SCHEMAS, EXEMPT, mandatorySpec } from "../../fairness/default-objects.ts";
import { type Causes, forbidden, invalid, required, unsupported } from "../causes.ts";
import { named, nonEmpty } from "../checks.ts";
import { type KindRules, specOf } from "../kind-rules.ts";
import { conditionsPart } from "./conditions.ts";

const PRECEDENCE_DEFAULT = 1000;
const PRECEDENCE_MAX = 10_000;
const METHODS = ["ByNamespace", "ByUser"];
const KINDS = ["Group", "ServiceAccount", "User"];
/** Which of a subject's fields goes with its kind. */
const FIELDS = { Group: "group", ServiceAccount: "serviceAccount", User: "user" } as const;
const VERBS = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "proxy",
  "update",
  "watch",
];

export const flowSchemaRules: KindRules = {
  nameRule: "subdomain",
  firstStatus: () => ({}),
  complete(object) {
    const spec = specOf(object);
    if (spec["matchingPrecedence"]) return object;
    return { ...object, spec: { ...spec, matchingPrecedence: PRECEDENCE_DEFAULT } };
  },
  validate(object) {
    const { name = "" } = object["metadata"] as { readonly name?: string };
    const spec = specOf(object);
    const fixed = mandatorySpec(DEFAULT_SCHEMAS, name);
    return [
      ...specCauses(name, spec as unknown as FlowSchemaSpec),
      ...(fixed === undefined || sameJson(spec, fixed)
        ? []
        : [invalid("spec", spec, `the spec of "${name}" is fixed and cannot be changed`)]),
    ];
  },
  parts: { status: conditionsPart },
};

function specCauses(name: string, spec: FlowSchemaSpec): Causes {
  const { distinguisherMethod, matchingPrecedence, priorityLevelConfiguration, rules = [] } = spec;
  const level = "spec.priorityLevelConfiguration.name";
  const method = distinguisherMethod?.type;
  return [
    ...precedenceCauses("spec.matchingPrecedence", name, matchingPrecedence),
    ...(method === undefined || METHODS.includes(method)
      ? []
      : [unsupported("spec.distinguisherMethod.type", method, METHODS)]),
    ...nonEmpty(level, priorityLevelConfiguration?.name, "name the priority level"),
    ...named(level, priorityLevelConfiguration?.name, subdomainProblem),
    ...rules.flatMap((rule, at) => ruleCauses(`spec.rules[${at}]`, rule)),
  ];
}

function precedenceCauses(path: string, name: string, precedence: number): Causes {
  if (precedence < 1 || precedence > PRECEDENCE_MAX)
    return [invalid(path, precedence, `must be between 1 and ${PRECEDENCE_MAX}`)];
  if (precedence > 1 || name === EXEMPT) return [];
  return [invalid(path, precedence, `1 is only for the flow schema "${EXEMPT}"`)];
}

function ruleCauses(path: string, rule: PolicyRulesWithSubjects): Causes {
  const { nonResourceRules = [], resourceRules = [], subjects = [] } = rule;
  return [
    ...(subjects.length === 0 ? [required(`${path}.subjects`, "name at least one subject")] : []),
    ...subjects.flatMap((each, at) => subjectCauses(`${path}.subjects[${at}]`, each)),
    ...(resourceRules.length + nonResourceRules.length === 0
      ? [required(path, "give resourceRules, nonResourceRules or both")]
      : []),
    ...resourceRules.flatMap((each, at) => resourceCauses(`${path}.resourceRules[${at}]`, each)),
    ...nonResourceRules.flatMap((each, at) => pathCauses(`${path}.nonResourceRules[${at}]`, each)),
  ];
}

function subjectCauses(path: string, subject: Subject): Causes {
  const { kind } = subject;
  if (!(kind in FIELDS)) return [unsupported(`${path}.kind`, kind, KINDS)];
  const wanted = FIELDS[kind as keyof typeof FIELDS];
  const others = Object.values(FIELDS).filter((field) => field !== wanted);
  return [
    ...(subject[wanted] === undefined
      ? [required(`${path}.${wanted}`, `a subject of kind ${kind} needs it`)]
      : nonEmpty(`${path}.${wanted}.name`, subject[wanted].name)),
    ...accountCauses(`${path}.serviceAccount`, kind, subject.serviceAccount),
    ...others.flatMap((field) =>
      subject[field] === undefined
        ? []
        : [forbidden(`${path}.${field}`, `a subject of kind ${kind} may not have it`)],
    ),
  ];
}

function accountCauses(path: string, kind: string, account: Subject["serviceAccount"]): Causes {
  if (kind !== "ServiceAccount" || account === undefined) return [];
  const { name, namespace } = account;
  return [
    ...(name === "*" ? [] : named(`${path}.name`, name, subdomainProblem)),
    ...nonEmpty(`${path}.namespace`, namespace, "name the account's namespace"),
    ...named(`${path}.namespace`, namespace, labelNameProblem),
  ];
}

function resourceCauses(path: string, rule: ResourcePolicyRule): Causes {
  const { apiGroups, clusterScope = false, namespaces, resources, verbs } = rule;
  const where = `${path}.namespaces`;
  return [
    ...verbCauses(`${path}.verbs`, verbs),
    ...listCauses(`${path}.apiGroups`, apiGroups),
    ...listCauses(`${path}.resources`, resources),
    ...((namespaces ?? []).length > 0 || !clusterScope ? listCauses(where, namespaces) : []),
    ...(namespaces ?? []).flatMap((each, at) =>
      each === "*" ? [] : named(`${where}[${at}]`, each, labelNameProblem),
    ),
  ];
}

function verbCauses(path: string, verbs: readonly string[] | undefined): Causes {
  const unknown = (verbs ?? []).filter((verb) => verb !== "*" && !VERBS.includes(verb));
  return [...listCauses(path, verbs), ...unknown.map((verb) => unsupported(path, verb, VERBS))];
}

/** At least one, and `*` stands alone. */
function listCauses(path: string, list: readonly string[] | undefined): Causes {
  if (list === undefined || list.length === 0) return [required(path, "give at least one")];
  if (list.length === 1 || !list.includes("*")) return [];
  return [invalid(path, list, "'*' includes all others, so it must stand alone")];
}

function pathCauses(path: string, { nonResourceURLs, verbs }: NonResourcePolicyRule): Causes {
  const urls = `${path}.nonResourceURLs`;
  return [
    ...verbCauses(`${path}.verbs`, verbs),
    ...listCauses(urls, nonResourceURLs),
    ...(nonResourceURLs ?? []).flatMap((url, at) => {
      const problem = url === "*" ? undefined : urlProblem(url);
      return problem === undefined ? [] : [invalid(`${urls}[${at}]`, url, problem)];
    }),
  ];
}

function urlProblem(url: string): string | undefined {
  if (!url.startsWith("/")) return "must start with a slash";
  if (url.includes(" ")) return "must not contain a space";
  if (url.includes("//")) return "must not contain two slashes in a row";
  const rest = url.endsWith("/*") ? url.slice(0, -1) : url;
  return rest.includes("*") ? "'*' may stand only at the end, after a slash" : undefined;
}
