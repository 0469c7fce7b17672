import { labelNameProblem, subdomainProblem } from "#lib/api/names";
import type { Container, Pod } from "#proto/core/v1";
import { type Causes, duplicate, invalid, notFound, required } from "../causes.ts";
import { named, nonEmpty, repeats } from "../checks.ts";

/** The pod's claims for devices, and what its containers take of them. */
export function validateResourceClaims(pod: Pod["spec"], path: string): Causes {
  const { containers = [], initContainers = [], resourceClaims = [] } = pod;
  const names = resourceClaims.map(({ name }) => name);
  const isRepeated = repeats(names);
  return [
    ...resourceClaims.flatMap((claim, at) => {
      const { name, resourceClaimName, resourceClaimTemplateName } = claim;
      const here = `${path}.resourceClaims[${at}]`;
      const isTwice = isRepeated[at];
      return [
        ...nonEmpty(`${here}.name`, name),
        ...named(`${here}.name`, name, labelNameProblem),
        ...(isTwice ? [duplicate(`${here}.name`, name)] : []),
        ...(resourceClaimName !== undefined && resourceClaimTemplateName !== undefined
          ? [
              invalid(
                here,
                claim,
                "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified",
              ),
            ]
          : []),
        ...(resourceClaimName === undefined && resourceClaimTemplateName === undefined
          ? [
              invalid(
                here,
                claim,
                "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`",
              ),
            ]
          : []),
        ...named(`${here}.resourceClaimName`, resourceClaimName, subdomainProblem),
        ...named(`${here}.resourceClaimTemplateName`, resourceClaimTemplateName, subdomainProblem),
      ];
    }),
    ...usesOf(initContainers, `${path}.initContainers`, names),
    ...usesOf(containers, `${path}.containers`, names),
  ];
}

function usesOf(containers: readonly Container[], path: string, names: readonly string[]): Causes {
  return containers.flatMap(({ resources }, index) => {
    const claims = resources?.claims ?? [];
    return claims.flatMap(({ name, request = "" }, at) => {
      const here = `${path}[${index}].resources.claims[${at}]`;
      if (name === "") return [required(`${here}.name`)];
      const isSame = (each: (typeof claims)[number]): boolean =>
        each.name === name && (each.request ?? "") === request;
      return [
        ...(claims.findIndex(isSame) < at ? [duplicate(here, name)] : []),
        ...(names.includes(name) ? [] : [notFound(`${here}.name`, name)]),
        ...named(`${here}.request`, request, labelNameProblem),
      ];
    });
  });
}
