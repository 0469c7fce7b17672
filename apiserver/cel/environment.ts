/** The variables, types and functions that expressions know. */
import { Environment } from "@marcbachmann/cel-js";
import { isSame } from "./equality.ts";
import { addAddresses } from "./functions/addresses.ts";
import { addAuthorization } from "./functions/authorization.ts";
import { addFormats } from "./functions/formats.ts";
import { addJsonPatch } from "./functions/json-patch.ts";
import { addLists } from "./functions/lists.ts";
import { addQuantities } from "./functions/quantities.ts";
import { addRegularExpressions } from "./functions/regular-expressions.ts";
import { addSemanticVersions } from "./functions/semantic-versions.ts";
import { addStrings } from "./functions/strings.ts";
import { addUrls } from "./functions/urls.ts";

/** A struct with fields of its own types; values of it are instances of `ctor` that have the fields as properties. */
export interface ObjectType {
  readonly name: string;
  readonly ctor: new (...given: never[]) => object;
  /** Field name → type. */
  readonly fields: Readonly<Record<string, string>>;
}

/** What an expression may name. Made once and reused: environments are kept by its identity. */
export interface Declarations {
  /** Name → `dyn`, `bool`, `int`, `double`, `string`, `bytes`, `list<T>`, `map<K, V>` or a declared type's name. */
  readonly variables: Readonly<Record<string, string>>;
  readonly types?: readonly ObjectType[];
}

/** Nodes of one expression and how deep they nest. */
const LIMITS = { maxAstNodes: 10_000, maxDepth: 100 };

const environments = new WeakMap<Declarations, Environment>();

export function environmentOf(declarations: Declarations): Environment {
  const known = environments.get(declarations);
  if (known !== undefined) return known;
  const environment = kubernetesEnvironment().clone();
  for (const { name, ctor, fields } of declarations.types ?? []) {
    environment.registerType(name, { ctor, fields: { ...fields } });
    environment.registerOperator(`${name} == ${name}`, isSame);
  }
  for (const [name, type] of Object.entries(declarations.variables))
    environment.registerVariable(name, type);
  environments.set(declarations, environment);
  return environment;
}

let base: Environment | undefined;

/** Made when the first expression is compiled. */
function kubernetesEnvironment(): Environment {
  base ??= makeEnvironment();
  return base;
}

function makeEnvironment(): Environment {
  const environment = new Environment({
    enableOptionalTypes: true,
    homogeneousAggregateLiterals: false,
    limits: LIMITS,
  });
  // Whatever it holds or lacks, an optional is no null; but the two may be compared.
  environment.registerOperator("optional == null", () => false);
  addAddresses(environment);
  addAuthorization(environment);
  addFormats(environment);
  addJsonPatch(environment);
  addLists(environment);
  addQuantities(environment);
  addRegularExpressions(environment);
  addSemanticVersions(environment);
  addStrings(environment);
  addUrls(environment);
  return environment;
}
