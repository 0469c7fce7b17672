import { isDeepStrictEqual } from "node:util";
import { labelNameProblem, subdomainProblem } from "#lib/api/names";
import type { IngressClass, IngressClassParametersReference } from "#proto/networking/v1";
import { type Causes, forbidden, invalid, required, unsupported } from "../causes.ts";
import { named, nonEmpty } from "../checks.ts";
import { type KindRules, specOf } from "../kind-rules.ts";

const CONTROLLER_LENGTH_MAX = 250;
const SCOPES = ["Cluster", "Namespace"];

export const ingressClassRules: KindRules = {
  nameRule: "subdomain",
  complete(object) {
    const { parameters } = specOf(object) as unknown as NonNullable<IngressClass["spec"]>;
    if (parameters === undefined || parameters.scope) return object;
    return {
      ...object,
      spec: { ...specOf(object), parameters: { ...parameters, scope: "Cluster" } },
    };
  },
  validate(object) {
    const { controller = "", parameters } = specOf(object) as unknown as NonNullable<
      IngressClass["spec"]
    >;
    return [
      ...controllerCauses("spec.controller", controller),
      ...(parameters === undefined ? [] : parameterCauses("spec.parameters", parameters)),
    ];
  },
  validateUpdate(object, old) {
    const { controller } = specOf(object);
    if (isDeepStrictEqual(controller, specOf(old)["controller"])) return [];
    return [invalid("spec.controller", controller, "field is immutable")];
  },
};

/** A domain and a path, as example.com/ingress. */
function controllerCauses(path: string, controller: string): Causes {
  if (controller === "") return [required(path)];
  if (controller.length > CONTROLLER_LENGTH_MAX)
    return [invalid(path, controller, `must be no more than ${CONTROLLER_LENGTH_MAX} characters`)];
  const [domain = "", ...rest] = controller.split("/");
  if (rest.join("/") === "")
    return [invalid(path, controller, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  return named(path, domain, subdomainProblem);
}

function parameterCauses(path: string, given: IngressClassParametersReference): Causes {
  const { apiGroup, kind, name, namespace, scope = "" } = given;
  return [
    ...named(`${path}.apiGroup`, apiGroup, subdomainProblem),
    ...nonEmpty(`${path}.kind`, kind, "kind is required"),
    ...nonEmpty(`${path}.name`, name, "name is required"),
    ...(SCOPES.includes(scope) ? [] : [unsupported(`${path}.scope`, scope, SCOPES)]),
    ...(scope === "Namespace"
      ? nonEmpty(`${path}.namespace`, namespace, "`parameters.scope` is set to 'Namespace'")
      : []),
    ...(scope === "Cluster" && namespace !== undefined
      ? [forbidden(`${path}.namespace`, "`parameters.scope` is set to 'Cluster'")]
      : []),
    ...named(`${path}.namespace`, namespace, labelNameProblem),
  ];
}
