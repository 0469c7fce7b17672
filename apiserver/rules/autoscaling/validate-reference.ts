import { nameProblem } from "#lib/api/names";
import type { CrossVersionObjectReference } from "#proto/autoscaling/v2";
import { type Causes, invalid } from "../causes.ts";
import { named, nonEmpty } from "../checks.ts";

export function validateReference(path: string, reference: CrossVersionObjectReference): Causes {
  const { apiVersion = "", kind, name } = reference;
  const segment = (value: string) => nameProblem(value, "path");
  return [
    ...nonEmpty(`${path}.kind`, kind),
    ...named(`${path}.kind`, kind, segment),
    ...nonEmpty(`${path}.name`, name),
    ...named(`${path}.name`, name, segment),
    ...(apiVersion.split("/").length > 2
      ? [invalid(`${path}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)]
      : []),
  ];
}
