/** What the expressions of admission policies may name: the request, parameters, and variables of the policy's own. */
import type { Variable } from "#proto/admissionregistration/v1";
import { REQUEST_VARIABLES } from "./admission.ts";
import type { Declarations } from "./environment.ts";
import { type Compiled, compile } from "./program.ts";

export interface PolicyVariable {
  readonly name: string;
  readonly compiled: Compiled;
}

export interface PolicyLanguage {
  /** For match conditions, which come before variables. */
  readonly conditions: Declarations;
  /** For all else. */
  readonly expressions: Declarations;
  readonly variables: readonly PolicyVariable[];
}

/** The value of `variables`: its properties are the policy's variables, evaluated when they are first read. */
export class VariableValues {}

const VARIABLES = "kubernetes.variables";
/** Types that fields may have; any other is known only when it runs. */
const FIELD_TYPE = /^(bool|bytes|double|int|string|list(<.*>)?|map(<.*>)?)$/;

/** A variable may use those before it. */
export function policyLanguage(given: {
  readonly variables?: readonly Variable[];
  readonly paramKind?: unknown;
}): PolicyLanguage {
  const { paramKind, variables = [] } = given;
  const base: Readonly<Record<string, string>> = {
    ...REQUEST_VARIABLES,
    namespaceObject: "dyn",
    ...(paramKind === undefined ? {} : { params: "dyn" }),
  };
  const fields: Record<string, string> = {};
  const known: PolicyVariable[] = [];
  for (const { expression, name } of variables) {
    const compiled = compile(expression, withVariables(base, fields));
    known.push({ name, compiled });
    const type = compiled.ok ? compiled.program.type : "dyn";
    fields[name] = FIELD_TYPE.test(type) ? type : "dyn";
  }
  return {
    conditions: { variables: base },
    expressions: withVariables(base, fields),
    variables: known,
  };
}

function withVariables(
  base: Readonly<Record<string, string>>,
  fields: Readonly<Record<string, string>>,
): Declarations {
  return {
    variables: { ...base, variables: VARIABLES },
    types: [{ name: VARIABLES, ctor: VariableValues, fields: { ...fields } }],
  };
}
