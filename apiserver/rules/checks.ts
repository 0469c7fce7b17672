/** Checks that many kinds share; each gives the causes for one field, none when it is well or absent. */
import { isIP } from "node:net";
import { labelKeyProblem, labelValueProblem, portNameProblem } from "#lib/api/names";
import type { LabelSelector } from "#proto/meta/v1";
import { type Causes, forbidden, invalid, required, unsupported } from "./causes.ts";

const PORT_MAX = 65_535;

export function oneOf(
  path: string,
  value: string | undefined,
  supported: readonly string[],
): Causes {
  if (value === undefined || supported.includes(value)) return [];
  return [unsupported(path, value, supported)];
}

/** The value is given and one of these. */
export function requiredOneOf(
  path: string,
  value: string | undefined,
  supported: readonly string[],
): Causes {
  return (value ?? "") === "" ? [required(path)] : oneOf(path, value, supported);
}

export function nonEmpty(path: string, value: string | undefined, detail?: string): Causes {
  return (value ?? "") === "" ? [required(path, detail)] : [];
}

export function atLeast(path: string, value: number | undefined, least: 0 | 1): Causes {
  if (value === undefined || value >= least) return [];
  return [
    invalid(
      path,
      value,
      least === 0 ? "must be greater than or equal to 0" : "must be greater than 0",
    ),
  ];
}

export function between(
  path: string,
  value: number | undefined,
  range: { readonly min: number; readonly max: number },
): Causes {
  if (value === undefined || (value >= range.min && value <= range.max)) return [];
  return [invalid(path, value, `must be between ${range.min} and ${range.max}, inclusive`)];
}

/** Of each value, whether it stood in the list before. In one pass: who means ill sends long lists. */
export function repeats(values: readonly unknown[]): readonly boolean[] {
  const seen = new Set<unknown>();
  return values.map((value) => seen.size === seen.add(value).size);
}

/** What is wrong with a name, by one of the rules for names. */
export function named(
  path: string,
  value: string | undefined,
  problemOf: (value: string) => string | undefined,
): Causes {
  if (value === undefined || value === "") return [];
  const problem = problemOf(value);
  return problem === undefined ? [] : [invalid(path, value, problem)];
}

/** A port's number, or the name of one of the container's ports. */
export function portReference(path: string, value: number | string | undefined): Causes {
  if (typeof value === "string")
    return value === "" ? [required(path)] : named(path, value, portNameProblem);
  return between(path, value ?? 0, { min: 1, max: PORT_MAX });
}

export function ipAddress(path: string, value: string | undefined): Causes {
  if (isIP(value ?? "") !== 0) return [];
  return [
    invalid(path, value ?? "", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"),
  ];
}

/** A path below a directory that never leaves it. */
export function pathBelow(path: string, value: string | undefined): Causes {
  if (value === undefined) return [];
  if (value.startsWith("/")) return [invalid(path, value, "must be a relative path")];
  return value.split("/").includes("..") ? [invalid(path, value, "must not contain '..'")] : [];
}

/** Names of the fields that are given; used where exactly one of several may be. */
export function givenOf(object: object, names: readonly string[]): readonly string[] {
  const fields = object as Readonly<Record<string, unknown>>;
  return names.filter((name) => fields[name] !== undefined);
}

const OPERATORS = ["DoesNotExist", "Exists", "In", "NotIn"];

export function labelSelector(selector: LabelSelector | undefined, path: string): Causes {
  const labels = Object.entries(selector?.matchLabels ?? {}).flatMap(([key, value]) => [
    ...named(`${path}.matchLabels`, key, labelKeyProblem),
    ...named(`${path}.matchLabels`, value, labelValueProblem),
  ]);
  const expressions = (selector?.matchExpressions ?? []).flatMap((each, at) => {
    const here = `${path}.matchExpressions[${at}]`;
    const { key, operator, values = [] } = each;
    return [
      ...(OPERATORS.includes(operator)
        ? valuesFor(here, operator, values)
        : [invalid(`${here}.operator`, operator, "not a valid selector operator")]),
      ...nonEmpty(`${here}.key`, key),
      ...named(`${here}.key`, key, labelKeyProblem),
      ...values.flatMap((value, index) =>
        named(`${here}.values[${index}]`, value, labelValueProblem),
      ),
    ];
  });
  return [...labels, ...expressions];
}

/** The values that a requirement's operator needs, or does not take. */
export function valuesFor(path: string, operator: string, values: readonly string[]): Causes {
  switch (operator) {
    case "In":
    case "NotIn":
      return values.length > 0
        ? []
        : [required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'")];
    case "Exists":
    case "DoesNotExist":
      return values.length === 0
        ? []
        : [
            forbidden(
              `${path}.values`,
              "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            ),
          ];
    default:
      return [];
  }
}
