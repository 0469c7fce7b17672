import { apiVersionOf, RESOURCES, type Resource } from "#resources";
import { nearest } from "./nearest.ts";
import { UserError } from "./terminal.ts";

/** What a command line names: a kind, and one object of it or all. */
export interface ObjectArgument {
  readonly resource: Resource;
  /** Undefined: all of the kind. */
  readonly name: string | undefined;
}

/**
 * `pods`, `pod/web`, `pods a b`, `deploy,svc`, `all`: kubectl's ways to name objects, by plural, singular, short name, kind,
 * or category, with or without group (`deployments.apps`).
 */
export function parseObjectArguments(words: readonly string[]): readonly ObjectArgument[] {
  const [first, ...names] = words;
  if (first === undefined) {
    throw new UserError("name a kind of object, for example `pods`, or an object, `pod/web`");
  }
  if (words.some((word) => word.includes("/"))) return words.map(parsePair);
  const resources = first.split(",").flatMap(resourcesNamed);
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
): readonly { readonly resource: Resource; readonly name: string }[] {
  return words.map((word) =>
    word.includes("/") ? parsePair(word) : { resource: fallback, name: word },
  );
}

function parsePair(word: string): { readonly resource: Resource; readonly name: string } {
  const [kind = "", name = "", ...more] = word.split("/");
  if (kind === "" || name === "" || more.length > 0) {
    throw new UserError(`${JSON.stringify(word)}: expected KIND/NAME, for example pod/web`);
  }
  return { resource: resourceNamed(kind), name };
}

/** The one resource of a name. */
export function resourceNamed(word: string): Resource {
  const [found] = resourcesNamed(word);
  if (found === undefined) throw unknownKind(word);
  return found;
}

/** The resource of an object's apiVersion and kind. */
export function resourceOf(apiVersion: string, kind: string): Resource | undefined {
  return RESOURCES.find((each) => each.kind === kind && apiVersionOf(each) === apiVersion);
}

function resourcesNamed(word: string): readonly Resource[] {
  const inCategory = RESOURCES.filter((each) => each.categories.includes(word));
  if (inCategory.length > 0) return inCategory;
  const [name = "", ...group] = word.toLowerCase().split(".");
  const found = RESOURCES.find(
    (each) => isNamed(each, name) && (group.length === 0 || isGroup(each, group.join("."))),
  );
  if (found === undefined) throw unknownKind(word);
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

function unknownKind(word: string): UserError {
  const near = nearest(
    word.toLowerCase(),
    RESOURCES.map((each) => each.plural),
  );
  const hint = near === undefined ? "" : `; did you mean ${near}?`;
  return new UserError(`the server has no kind of object called ${JSON.stringify(word)}${hint}`);
}
