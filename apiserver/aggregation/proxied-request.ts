/** What a request to an extension API server is about, by its path and method alone. Pure. Kubernetes' own rules. */
import { StatusError } from "#lib/status-error";

/** The group version that a path belongs to, with what stands behind it: `/namespaces/ns/foos`. */
export interface ProxiedPath {
  readonly group: string;
  readonly version: string;
  readonly rest: string;
}

export type ProxiedRequest =
  | { readonly path: string; readonly verb: string }
  | {
      readonly verb: string;
      readonly plural: string;
      readonly namespace?: string;
      readonly name?: string;
      readonly subresource?: string;
      readonly fieldSelector?: string;
    };

const PATH = /^(?:\/openapi\/v3)?\/apis\/([^/]+)\/([^/]+)(\/.*)?$/;

/** `/apis/GROUP/VERSION…` and its description below `/openapi/v3`; undefined for every other path. */
export function proxiedPath(path: string): ProxiedPath | undefined {
  const [, group, version, rest = ""] = PATH.exec(path) ?? [];
  return group === undefined || version === undefined ? undefined : { group, version, rest };
}

/** What of an object's path decides about access: namespaces, NS, plural, name, sub-resource. */
const DECIDING_PARTS = 5;

/** Throws BadRequest for a path that the other server may read otherwise than we do. */
export function proxiedRequest(
  path: string,
  method: string,
  query: URLSearchParams,
): ProxiedRequest {
  const rest = path.startsWith("/apis/") ? (proxiedPath(path)?.rest ?? "") : "";
  const parts = rest.split("/").slice(1).map(decoded);
  checkParts(path, parts);
  const isWatch = parts[0] === "watch";
  const named = namedBy(isWatch ? parts.slice(1) : parts);
  if (named === undefined) return { path, verb: method.toLowerCase() };
  const { name, ...object } = named;
  const selector = query.get("fieldSelector") ?? "";
  const selected = name ?? /^metadata\.name==?([^,=!]+)$/.exec(selector)?.[1];
  const verb = verbOf(method, { isWatch, isCollection: name === undefined, query });
  const isOfMany = ["deletecollection", "list", "watch"].includes(verb);
  return {
    ...object,
    verb,
    ...((name ?? (isOfMany ? selected : undefined)) === undefined ? {} : { name: selected ?? "" }),
    ...(isOfMany && selector !== "" ? { fieldSelector: selector } : {}),
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw new StatusError("BadRequest", `path: ${JSON.stringify(part)} is not well escaped`, {
      cause,
    });
  }
}

/**
 * Other servers may take `%2F` or a backslash for a slash, step up at `..`, and stop reading at `#`: then they would serve what
 * we have not judged.
 */
function checkParts(path: string, parts: readonly string[]): void {
  const isUnclear =
    /[\\#]/.test(path) ||
    parts.some(
      (part, at) =>
        part === "." ||
        part === ".." ||
        (at < DECIDING_PARTS && (/[/\\#?]/.test(part) || (part === "" && at < parts.length - 1))),
    );
  if (!isUnclear) return;
  const why =
    "may have no empty part, no '.' or '..', no backslash or '#', and no escaped '/' up to a sub-resource";
  throw new StatusError("BadRequest", `path: ${JSON.stringify(path)} ${why}`);
}

function namedBy(parts: readonly string[]) {
  const [first = "", namespace, ...behind] = parts;
  const isInside =
    first === "namespaces" &&
    namespace !== undefined &&
    behind[0] !== undefined &&
    behind[0] !== "" &&
    !["finalize", "status"].includes(behind[0]);
  const [plural = "", name, subresource] = isInside ? behind : parts;
  if (plural === "") return undefined;
  const scope = isInside ? namespace : plural === "namespaces" ? name : undefined;
  return {
    plural,
    ...(scope ? { namespace: scope } : {}),
    ...(name ? { name } : {}),
    ...(subresource ? { subresource } : {}),
  };
}

const VERBS: Readonly<Record<string, string>> = {
  GET: "get",
  HEAD: "get",
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

function verbOf(
  method: string,
  asked: {
    readonly isWatch: boolean;
    readonly isCollection: boolean;
    readonly query: URLSearchParams;
  },
): string {
  const verb = VERBS[method];
  if (verb === undefined) throw new StatusError("MethodNotAllowed", `${method} is not supported`);
  if (asked.isWatch) return "watch";
  if (!asked.isCollection) return verb;
  if (verb === "delete") return "deletecollection";
  if (verb !== "get") return verb;
  const watch = asked.query.get("watch");
  return watch === null || ["0", "f", "false"].includes(watch.toLowerCase()) ? "list" : "watch";
}
