/** What a CustomResourceDefinition serves, as rows of the table of kinds. Pure; the server and its clients share it. */
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
} from "#proto/apiextensions/v1";
import type { Resource, Subresource } from "#resources";
import { isConditionTrue } from "./condition.ts";

const GET_WRITE = ["get", "patch", "update"] as const;
const VERBS = ["create", "delete", "deletecollection", ...GET_WRITE, "list", "watch"] as const;
const STATUS: Subresource = { name: "status", verbs: GET_WRITE };
const SCALE: Subresource = {
  name: "scale",
  group: "autoscaling",
  version: "v1",
  kind: "Scale",
  verbs: GET_WRITE,
};

/** One row a served version, the most mature first; none before the definition is established. */
export function resourcesOf(definition: CustomResourceDefinition): readonly Resource[] {
  if (!isConditionTrue(definition.status.conditions, "Established")) return [];
  return definition.spec.versions
    .filter((version) => version.served)
    .toSorted((a, b) => compareVersions(a.name, b.name))
    .map((version) => resourceOf(definition, version));
}

/** The row of the version that objects are stored in, served or not; undefined before the definition is established. */
export function storedResourceOf(definition: CustomResourceDefinition): Resource | undefined {
  if (!isConditionTrue(definition.status.conditions, "Established")) return undefined;
  const version = definition.spec.versions.find(({ storage }) => storage);
  return version && resourceOf(definition, version);
}

function resourceOf(
  { spec, status }: CustomResourceDefinition,
  version: CustomResourceDefinitionVersion,
): Resource {
  const { acceptedNames: names } = status;
  const { scale, status: hasStatus } = version.subresources ?? {};
  return {
    group: spec.group,
    version: version.name,
    kind: names.kind,
    plural: names.plural,
    singular: names.singular ?? names.kind.toLowerCase(),
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    namespaced: spec.scope === "Namespaced",
    verbs: VERBS,
    subresources: [
      ...(hasStatus === undefined ? [] : [STATUS]),
      ...(scale === undefined ? [] : [SCALE]),
    ],
  };
}

const VERSION = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/;
const MATURITY: Readonly<Record<string, number>> = { alpha: 0, beta: 1 };

/** Kubernetes' order: v2, v1, v2beta1, v1beta2, v1alpha1, then whatever else by its letters. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [VERSION.exec(a), VERSION.exec(b)];
  if (left === null || right === null) {
    if (left === right) return a < b ? -1 : Number(a > b);
    return left === null ? 1 : -1;
  }
  const [x, y] = [rankOf(left), rankOf(right)];
  for (const [at, rank] of x.entries()) {
    const other = y[at] ?? 0;
    if (rank !== other) return other - rank;
  }
  return 0;
}

function rankOf([, major = "", maturity = "", minor = "0"]: RegExpExecArray): readonly number[] {
  return [MATURITY[maturity] ?? 2, Number(major), Number(minor)];
}
