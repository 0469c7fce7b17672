import type { Resource, Subresource, Verb } from "../../resources.ts";
import { schemaOf } from "../tables.ts";
import { customName } from "./custom.ts";
import { DELETE, LIST, NAME, NAMESPACE, PATCH, type Parameter, WRITE } from "./parameters.ts";

export type Method = "get" | "put" | "post" | "delete" | "patch";

export interface Operation {
  readonly method: Method;
  /** `x-kubernetes-action`. */
  readonly action: string;
  /** `readNamespacedPod` with the group version in between: `readCoreV1NamespacedPod`. */
  readonly id: string;
  readonly tag: string;
  readonly description: string;
  readonly gvk: { readonly group: string; readonly kind: string; readonly version: string };
  readonly parameters: readonly Parameter[];
  /** Message names; undefined where it is no object. */
  readonly body: string | undefined;
  readonly answer: string | undefined;
  /** Of a custom kind, which has no strategic merge: its definition knows nothing of that. */
  readonly isCustom: boolean;
  /** HTTP codes of success. */
  readonly codes: readonly number[];
}

export interface Path {
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly operations: readonly Operation[];
}

interface Verbal {
  readonly method: Method;
  readonly action: string;
  readonly prefix: string;
  readonly says: string;
  readonly parameters: readonly Parameter[];
  readonly codes: readonly number[];
  readonly answers: "object" | "list" | "Status";
  readonly takes: "object" | "Patch" | "DeleteOptions" | "nothing";
}

const VERBS: Readonly<Record<Exclude<Verb, "watch">, Verbal>> = {
  get: {
    method: "get",
    action: "get",
    prefix: "read",
    says: "Reads",
    parameters: [],
    codes: [200],
    answers: "object",
    takes: "nothing",
  },
  list: {
    method: "get",
    action: "list",
    prefix: "list",
    says: "Lists or watches",
    parameters: LIST,
    codes: [200],
    answers: "list",
    takes: "nothing",
  },
  create: {
    method: "post",
    action: "post",
    prefix: "create",
    says: "Creates",
    parameters: WRITE,
    codes: [200, 201, 202],
    answers: "object",
    takes: "object",
  },
  update: {
    method: "put",
    action: "put",
    prefix: "replace",
    says: "Replaces",
    parameters: WRITE,
    codes: [200, 201],
    answers: "object",
    takes: "object",
  },
  patch: {
    method: "patch",
    action: "patch",
    prefix: "patch",
    says: "Changes parts of",
    parameters: PATCH,
    codes: [200, 201],
    answers: "object",
    takes: "Patch",
  },
  delete: {
    method: "delete",
    action: "delete",
    prefix: "delete",
    says: "Deletes",
    parameters: DELETE,
    codes: [200, 202],
    answers: "Status",
    takes: "DeleteOptions",
  },
  deletecollection: {
    method: "delete",
    action: "deletecollection",
    prefix: "deleteCollection",
    says: "Deletes all that fit of",
    parameters: [...DELETE, ...LIST],
    codes: [200],
    answers: "Status",
    takes: "DeleteOptions",
  },
};
const COLLECTION: readonly Exclude<Verb, "watch">[] = ["list", "create", "deletecollection"];
const SINGLE: readonly Exclude<Verb, "watch">[] = ["get", "update", "delete", "patch"];
/** Routes that carry a stream or text, not an object. */
const STREAMS = new Set(["attach", "exec", "log", "portforward", "proxy"]);

export function pathsOf(resource: Resource): readonly Path[] {
  const root = rootOf(resource);
  const base = resource.namespaced
    ? `${root}/namespaces/{namespace}/${resource.plural}`
    : `${root}/${resource.plural}`;
  const scope = resource.namespaced ? [NAMESPACE] : [];
  const paths = [
    { path: base, parameters: scope, operations: operationsOf(resource, COLLECTION) },
    {
      path: `${base}/{name}`,
      parameters: [NAME, ...scope],
      operations: operationsOf(resource, SINGLE),
    },
    ...resource.subresources.map((sub) => ({
      path: `${base}/{name}/${sub.name}`,
      parameters: [NAME, ...scope],
      operations: subOperations(resource, sub),
    })),
  ];
  if (resource.namespaced && resource.verbs.includes("list")) {
    const operations = [operation(resource, "list", { suffix: "ForAllNamespaces" })];
    paths.push({ path: `${root}/${resource.plural}`, parameters: [], operations });
  }
  return paths.filter((path) => path.operations.length > 0);
}

/** `/api/v1`, `/apis/apps/v1`. */
export function rootOf({ group, version }: Pick<Resource, "group" | "version">): string {
  return group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
}

function operationsOf(
  resource: Resource,
  verbs: readonly Exclude<Verb, "watch">[],
): readonly Operation[] {
  return verbs
    .filter((verb) => resource.verbs.includes(verb))
    .map((verb) => operation(resource, verb, {}));
}

function subOperations(resource: Resource, sub: Subresource): readonly Operation[] {
  return sub.verbs
    .filter((verb) => verb !== "watch")
    .map((verb) => operation(resource, verb, { sub }));
}

function operation(
  resource: Resource,
  verb: Exclude<Verb, "watch">,
  { sub, suffix = "" }: { sub?: Subresource; suffix?: string },
): Operation {
  const how = VERBS[verb];
  const group = sub?.group ?? resource.group;
  const version = sub?.version ?? resource.version;
  const kind = sub?.kind ?? resource.kind;
  const isStream = sub !== undefined && STREAMS.has(sub.name);
  const builtIn = schemaOf(group === "" ? version : `${group}/${version}`, kind)?.name;
  const isCustom = builtIn === undefined && !isStream;
  const message = isCustom ? customName({ ...resource, group, version, kind }) : builtIn;
  const scope = resource.namespaced && suffix === "" ? "Namespaced" : "";
  const part = sub === undefined ? "" : capital(sub.name);
  return {
    method: how.method,
    action: isStream ? "connect" : how.action,
    id: `${isStream ? `connect${capital(how.method)}` : how.prefix}${groupTitle(resource)}${scope}${resource.kind}${part}${suffix}`,
    tag: `${firstLabel(resource.group)}_${resource.version}`,
    description: describe(how, resource, sub),
    gvk: { group, kind, version },
    parameters: isStream ? [] : how.parameters,
    body: isStream ? undefined : bodyOf(how, message),
    answer: isStream ? undefined : answerOf(how, message),
    isCustom,
    codes: how.codes,
  };
}

function bodyOf(how: Verbal, message: string | undefined): string | undefined {
  if (how.takes === "nothing") return undefined;
  return how.takes === "object" ? message : `meta.v1.${how.takes}`;
}

function answerOf(how: Verbal, message: string | undefined): string | undefined {
  if (how.answers === "Status") return "meta.v1.Status";
  return how.answers === "list" && message !== undefined ? `${message}List` : message;
}

function describe(how: Verbal, resource: Resource, sub: Subresource | undefined): string {
  const what =
    how.action === "list" || how.action === "deletecollection" ? resource.plural : resource.kind;
  return sub === undefined ? `${how.says} ${what}.` : `${how.says} the ${sub.name} of ${what}.`;
}

function groupTitle({ group, version }: Resource): string {
  return `${capital(firstLabel(group))}${capital(version)}`;
}

function firstLabel(group: string): string {
  return group === "" ? "core" : (group.split(".")[0] ?? group);
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
