import { isDeepStrictEqual } from "node:util";
import { nameProblem, subdomainProblem } from "#lib/api/names";
import type { JsonObject } from "#lib/json";
import type { IPAddress } from "#proto/networking/v1";
import { type Causes, invalid, required } from "../causes.ts";
import { named, nonEmpty } from "../checks.ts";
import type { KindRules } from "../kind-rules.ts";

export const ipAddressRules: KindRules = {
  nameRule: "address",
  validate(object) {
    const parent = parentOf(object);
    return parent === undefined ? [required("spec.parentRef")] : parentCauses(parent);
  },
  validateUpdate(object, old) {
    const parent = parentOf(object);
    if (isDeepStrictEqual(parent, parentOf(old))) return [];
    return [invalid("spec.parentRef", parent, "field is immutable")];
  },
};

type Parent = NonNullable<IPAddress["spec"]["parentRef"]>;

function parentOf(object: JsonObject): Parent | undefined {
  return (object as unknown as Partial<IPAddress>).spec?.parentRef;
}

function parentCauses({ group, name, namespace, resource }: Parent): Causes {
  const path = "spec.parentRef";
  return [
    ...named(`${path}.group`, group, subdomainProblem),
    ...nonEmpty(`${path}.resource`, resource),
    ...named(`${path}.resource`, resource, segmentProblem),
    ...nonEmpty(`${path}.name`, name),
    ...named(`${path}.name`, name, segmentProblem),
    ...named(`${path}.namespace`, namespace, segmentProblem),
  ];
}

function segmentProblem(text: string): string | undefined {
  return nameProblem(text, "path");
}
