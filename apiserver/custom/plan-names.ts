/** Which of a definition's names it may have: in a group, each name belongs to whoever had it first. Pure. */
import { isDeepStrictEqual } from "node:util";
import { isConditionTrue, withCondition } from "#lib/api/condition";
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionCondition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionStatus,
} from "#proto/apiextensions/v1";
import { RESOURCES } from "#resources";

type Names = CustomResourceDefinitionNames;

/** The status that the definition should have; the very same one when it has it. `others` are all definitions. */
export function planStatus(
  definition: CustomResourceDefinition,
  others: readonly CustomResourceDefinition[],
  now: string,
): CustomResourceDefinitionStatus {
  const { spec, status } = definition;
  const taken = takenNames(definition, others);
  const refused = refusedName(spec.names, taken);
  const acceptedNames = refused === undefined ? spec.names : without(spec.names, taken, status);
  const accepted = condition("NamesAccepted", refused, now);
  const named = withCondition(status.conditions, accepted);
  const isEstablished = refused === undefined || isConditionTrue(named, "Established");
  const conditions = withCondition(named, establishment(isEstablished, now));
  const storedVersions = withStorageVersion(definition);
  const isSame =
    conditions === status.conditions &&
    storedVersions === status.storedVersions &&
    isDeepStrictEqual(acceptedNames, status.acceptedNames);
  return isSame ? status : { ...status, conditions, acceptedNames, storedVersions };
}

interface Taken {
  /** Plurals, singulars and short names share a room: kubectl takes any for any. */
  readonly resources: ReadonlySet<string>;
  readonly kinds: ReadonlySet<string>;
}

function takenNames(
  { metadata, spec }: CustomResourceDefinition,
  others: readonly CustomResourceDefinition[],
): Taken {
  const builtIn = RESOURCES.filter(({ group }) => group === spec.group);
  const neighbours = others
    .filter((other) => other.spec.group === spec.group && other.metadata.name !== metadata.name)
    .map(({ status }) => status.acceptedNames);
  return {
    resources: new Set([
      ...builtIn.flatMap((each) => [each.plural, each.singular, ...each.shortNames]),
      ...neighbours.flatMap(resourceNames),
    ]),
    kinds: new Set([
      ...builtIn.flatMap(({ kind }) => [kind, `${kind}List`]),
      ...neighbours.flatMap(({ kind, listKind = "" }) => [kind, listKind]),
    ]),
  };
}

function resourceNames({ plural, shortNames = [], singular = "" }: Names): readonly string[] {
  return [plural, singular, ...shortNames];
}

interface Refused {
  readonly reason: string;
  readonly message: string;
}

function refusedName(names: Names, { kinds, resources }: Taken): Refused | undefined {
  const { kind, listKind = "", plural, shortNames = [], singular = "" } = names;
  const short = shortNames.find((each) => resources.has(each));
  if (resources.has(plural)) return inUse("PluralConflict", plural);
  if (singular !== "" && resources.has(singular)) return inUse("SingularConflict", singular);
  if (short !== undefined) return inUse("ShortNamesConflict", short);
  if (kinds.has(kind)) return inUse("KindConflict", kind);
  return listKind !== "" && kinds.has(listKind) ? inUse("ListKindConflict", listKind) : undefined;
}

function inUse(reason: string, name: string): Refused {
  return { reason, message: `${JSON.stringify(name)} is already in use` };
}

/** What is free of what is asked for; what it had before it keeps. */
function without(
  names: Names,
  taken: Taken,
  { acceptedNames: had }: CustomResourceDefinitionStatus,
): Names {
  const free = (name: string | undefined, before: string | undefined, set: ReadonlySet<string>) =>
    name !== undefined && !set.has(name) ? name : (before ?? "");
  const singular = free(names.singular, had.singular, taken.resources);
  const listKind = free(names.listKind, had.listKind, taken.kinds);
  return {
    plural: free(names.plural, had.plural, taken.resources),
    ...(singular === "" ? {} : { singular }),
    shortNames: (names.shortNames ?? []).filter((each) => !taken.resources.has(each)),
    kind: free(names.kind, had.kind, taken.kinds),
    ...(listKind === "" ? {} : { listKind }),
    ...(names.categories === undefined ? {} : { categories: names.categories }),
  };
}

function condition(
  type: string,
  refused: Refused | undefined,
  now: string,
): CustomResourceDefinitionCondition {
  const { message, reason } = refused ?? { reason: "NoConflicts", message: "no conflicts found" };
  const status = refused === undefined ? "True" : "False";
  return { type, status, reason, message, lastTransitionTime: now };
}

/** Once established, a kind stays so: its objects are there. */
function establishment(isEstablished: boolean, now: string): CustomResourceDefinitionCondition {
  return isEstablished
    ? {
        type: "Established",
        status: "True",
        reason: "InitialNamesAccepted",
        message: "the initial names have been accepted",
        lastTransitionTime: now,
      }
    : {
        type: "Established",
        status: "False",
        reason: "NotAccepted",
        message: "not all names are accepted",
        lastTransitionTime: now,
      };
}

function withStorageVersion({ spec, status }: CustomResourceDefinition): readonly string[] {
  const { storedVersions } = status;
  const name = spec.versions.find(({ storage }) => storage)?.name;
  return name === undefined || storedVersions.includes(name)
    ? storedVersions
    : [...storedVersions, name];
}
