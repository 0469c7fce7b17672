import { apiVersionOf, type Resource } from "#resources";
import { nearest } from "./nearest.ts";
import { UserError } from "./terminal.ts";

/** What a command line names: a kind, and one object of it or all. */
export interface ObjectArgument {
  readonly resource: Resource;
  /** Undefined: all of the kind. */
  readonly name: string | undefined;
}

/** One object. */
export interface NamedObject {
  readonly resource: Resource;
  readonly name: string;
}

/**
 * `pods`, `pod/web`, `pods a b`, `deploy,svc`, `all`: kubectl's ways to name objects, by plural, singular, short name, kind,
 * or category, with or without group (`deployments.apps`).
 */
export function parseObjectArguments(
  words: readonly string[],
  kinds: readonly Resource[],
): readonly ObjectArgument[] {
  const [first, ...names] = words;
  if (first === undefined) {
    throw new UserError("name a kind of object, for example `pods`, or an object, `pod/web`");
  }
  if (words.some((word) => word.includes("/"))) return words.map((word) => parsePair(word, kinds));
  const resources = first.split(",").flatMap((word) => resourcesNamed(word, kinds));
  return resources.flatMap((resource): ObjectArgument[] =>
    names.length === 0
      ? [{ resource, name: undefined }]
      : names.map((name) => ({ resource, name })),
  );
}

/** As `parseObjectArguments`, where every word has to name one object; `kind` is taken for words that name none. */
export function parseNamedObjects(
  words: readonly string[],
  fallback: Resource,
  kinds: readonly Resource[],
): readonly NamedObject[] {
  return words.map((word) =>
    word.includes("/") ? parsePair(word, kinds) : { resource: fallback, name: word },
  );
}

function parsePair(word: string, kinds: readonly Resource[]): NamedObject {
  const [kind = "", name = "", ...more] = word.split("/");
  if (kind === "" || name === "" || more.length > 0) {
    throw new UserError(`${JSON.stringify(word)}: expected KIND/NAME, for example pod/web`);
  }
  return { resource: resourceNamed(kind, kinds), name };
}

/** The one resource of a name. */
function resourceNamed(word: string, kinds: readonly Resource[]): Resource {
  const [found] = resourcesNamed(word, kinds);
  if (found === undefined) throw new UnknownKindError(word, kinds);
  return found;
}

/** The resource of an object's apiVersion and kind. */
export function resourceOf(
  apiVersion: string,
  kind: string,
  kinds: readonly Resource[],
): Resource | undefined {
  return kinds.find((each) => each.kind === kind && apiVersionOf(each) === apiVersion);
}

function resourcesNamed(word: string, kinds: readonly Resource[]): readonly Resource[] {
  const inCategory = kinds.filter((each) => each.categories.includes(word));
  if (inCategory.length > 0) return inCategory;
  const [name = "", ...group] = word.toLowerCase().split(".");
  const found = kinds.find(
    (each) => isNamed(each, name) && (group.length === 0 || isGroup(each, group.join("."))),
  );
  if (found === undefined) throw new UnknownKindError(word, kinds);
  return [found];
}

function isNamed(resource: Resource, name: string): boolean {
  const { plural, singular, shortNames, kind } = resource;
  return [plural, singular, kind.toLowerCase(), ...shortNames].includes(name);
}

/** `apps`, or `v1.apps`. */
function isGroup(resource: Resource, group: string): boolean {
  return group === resource.group || group === `${resource.version}.${resource.group}`;
}

/** No kind that was asked about has this name. */
export class UnknownKindError extends UserError {
  constructor(word: string, kinds: readonly Resource[]) {
    const plurals = kinds.map((each) => each.plural);
    const near = nearest(word.toLowerCase(), plurals);
    const hint = near === undefined ? "" : `; did you mean ${near}?`;
    super(`the server has no kind of object called ${JSON.stringify(word)}${hint}`);
  }
}
