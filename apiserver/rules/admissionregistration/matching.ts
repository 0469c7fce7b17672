/** What webhooks and policies say of the requests that they are about. */
import { labelKeyProblem } from "#lib/api/names";
import type { MatchCondition, RuleWithOperations } from "#proto/admissionregistration/v1";
import type { Declarations } from "../../cel/environment.ts";
import { compile } from "../../cel/program.ts";
import { type Causes, duplicate, forbidden, invalid, required } from "../causes.ts";
import { named, nonEmpty, oneOf, repeats, requiredOneOf } from "../checks.ts";

const OPERATIONS = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const SCOPES = ["*", "Cluster", "Namespaced"];
/** Kubernetes' bound: each of them is evaluated for each request. */
const CONDITIONS_MAX = 64;

export function ruleCauses(path: string, rule: RuleWithOperations): Causes {
  const { apiGroups = [], apiVersions = [], operations = [], resources = [], scope } = rule;
  return [
    ...starAlone(`${path}.apiGroups`, apiGroups),
    ...starAlone(`${path}.apiVersions`, apiVersions),
    ...apiVersions.flatMap((each, at) => nonEmpty(`${path}.apiVersions[${at}]`, each)),
    ...resourceCauses(`${path}.resources`, resources),
    ...starAlone(`${path}.operations`, operations),
    ...operations.flatMap((each, at) =>
      requiredOneOf(`${path}.operations[${at}]`, each, OPERATIONS),
    ),
    ...oneOf(`${path}.scope`, scope, SCOPES),
  ];
}

function starAlone(path: string, values: readonly string[]): Causes {
  if (values.length === 0) return [required(path)];
  if (values.length === 1 || !values.includes("*")) return [];
  return [invalid(path, values, "if '*' is present, must not specify other values")];
}

function resourceCauses(path: string, resources: readonly string[]): Causes {
  if (resources.length === 0) return [required(path)];
  const known = new Set(resources);
  return resources.flatMap((each, at) => {
    const [resource, sub] = each.split("/", 2);
    const here = `${path}[${at}]`;
    if (each === "") return [required(here)];
    if (sub === "") return [invalid(here, each, "must not end with '/'")];
    if (resource === "") return [invalid(here, each, "must not start with '/'")];
    const wider = [`${resource}/*`, `*/${sub ?? ""}`, "*/*"].find(
      (w) => w !== each && known.has(w),
    );
    if (sub === undefined || wider === undefined) return [];
    return [invalid(here, each, `if '${wider}' is present, must not specify ${each}`)];
  });
}

/** `declarations`: what the expressions may name. */
export function conditionCauses(
  path: string,
  conditions: readonly MatchCondition[],
  declarations: Declarations,
): Causes {
  if (conditions.length > CONDITIONS_MAX)
    return [
      {
        reason: "FieldValueTooMany",
        field: path,
        message: `Too many: ${conditions.length}: must have at most ${CONDITIONS_MAX} items`,
      },
    ];
  const isTwice = repeats(conditions.map(({ name }) => name));
  return conditions.flatMap(({ expression, name }, at) => {
    const here = `${path}[${at}]`;
    return [
      ...nonEmpty(`${here}.name`, name),
      ...named(`${here}.name`, name, labelKeyProblem),
      ...(isTwice[at] ? [duplicate(`${here}.name`, name)] : []),
      ...expressionCauses(`${here}.expression`, expression, { declarations, types: ["bool"] }),
    ];
  });
}

export function expressionCauses(
  path: string,
  expression: string | undefined,
  wanted: {
    readonly declarations: Declarations;
    readonly types: readonly string[];
    /** What CEL is given in place of what was written. */
    readonly translate?: (written: string) => string;
  },
): Causes {
  if ((expression ?? "").trim() === "") return [required(path)];
  const { declarations, translate = (written: string) => written } = wanted;
  const compiled = compile(translate(expression ?? ""), declarations);
  if (!compiled.ok) return [invalid(path, expression, `compilation failed: ${compiled.error}`)];
  // `list<string>` is a list.
  const [type = ""] = compiled.program.type.split("<");
  if (type === "dyn" || wanted.types.includes(type)) return [];
  const types = wanted.types.join(" or ");
  return [invalid(path, expression, `must evaluate to ${types}, but gives ${type}`)];
}

export function conflicting(
  path: string,
  names: readonly string[],
  given: readonly string[],
): Causes {
  if (given.length === 1) return [];
  const list = names.join(" or ");
  return given.length === 0
    ? [required(path, `exactly one of ${list} is required`)]
    : [forbidden(path, `exactly one of ${list} is required`)];
}
