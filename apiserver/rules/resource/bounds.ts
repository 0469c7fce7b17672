/** Lists with a bound, and what is said of their entries. */
import { labelKeyProblem, labelNameProblem, subdomainProblem } from "#lib/api/names";
import type { StatusCause } from "#lib/status-error";
import { type Causes, duplicate, invalid, required } from "../causes.ts";
import { named, oneOf, repeats } from "../checks.ts";

export function bounded<T>(
  path: string,
  items: readonly T[] | undefined,
  itemsMax: number,
  causesOf: (item: T, path: string) => Causes,
): Causes {
  const all = items ?? [];
  if (all.length > itemsMax) return [tooMany(path, all.length, itemsMax)];
  return all.flatMap((item, at) => causesOf(item, `${path}[${at}]`));
}

/** Names that stand in a list may not stand there twice. */
export function unique(path: (at: number) => string, names: readonly string[]): Causes {
  const isTwice = repeats(names);
  return names.flatMap((name, at) => (isTwice[at] ? [duplicate(path(at), name)] : []));
}

export function tooMany(field: string, count: number, itemsMax: number): StatusCause {
  const message = `Too many: ${count}: must have at most ${itemsMax} items`;
  return { reason: "FieldValueTooMany", field, message };
}

export function requiredName(
  path: string,
  name: string | undefined,
  problemOf: (name: string) => string | undefined,
): Causes {
  return (name ?? "") === "" ? [required(path)] : named(path, name, problemOf);
}

export const shortName = (path: string, name: string | undefined): Causes =>
  requiredName(path, name, labelNameProblem);

export const longName = (path: string, name: string | undefined): Causes =>
  requiredName(path, name, subdomainProblem);

const EFFECTS = ["NoExecute", "NoSchedule", "None"];

/** A device's taint. */
export function deviceTaint(
  taint: { readonly key?: string; readonly value?: string; readonly effect?: string },
  path: string,
): Causes {
  return [
    ...requiredName(`${path}.key`, taint.key, labelKeyProblem),
    ...((taint.effect ?? "") === ""
      ? [required(`${path}.effect`)]
      : oneOf(`${path}.effect`, taint.effect, EFFECTS)),
  ];
}

const ID = /^[A-Za-z_][A-Za-z0-9_]*$/;
const ID_LENGTH_MAX = 32;
const DOMAIN_LENGTH_MAX = 63;

/** What drivers call attributes and capacities: an identifier, perhaps with a domain before it. */
export function qualifiedName(path: string, name: string): Causes {
  const parts = name.split("/");
  const id = parts.at(-1) ?? "";
  const [domain = ""] = parts;
  if (parts.length > 2) return [invalid(path, name, "too many slashes")];
  const domainIssue = parts.length === 2 ? subdomainProblem(domain) : undefined;
  return [
    ...(domainIssue === undefined ? [] : [invalid(path, domain, domainIssue)]),
    ...(domain.length > DOMAIN_LENGTH_MAX && parts.length === 2
      ? [invalid(path, domain, `must be no more than ${DOMAIN_LENGTH_MAX} characters`)]
      : []),
    ...(id.length > ID_LENGTH_MAX
      ? [invalid(path, id, `must be no more than ${ID_LENGTH_MAX} characters`)]
      : []),
    ...(ID.test(id)
      ? []
      : [
          invalid(
            path,
            id,
            "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName')",
          ),
        ]),
  ];
}
