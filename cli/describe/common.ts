import type { ApiObject } from "#proto";
import type { Described } from "../print/description.ts";

export type Pairs = readonly (readonly [string, Described])[];

export function metadataPairs({ metadata }: ApiObject): Pairs {
  return [
    ["Name", metadata.name],
    ["Namespace", metadata.namespace],
    ["Labels", keyValues(metadata.labels)],
    ["Annotations", keyValues(withoutApplied(metadata.annotations))],
    ["Created", metadata.creationTimestamp],
    ["Deleting since", metadata.deletionTimestamp],
    ["Finalizers", metadata.finalizers],
    [
      "Controlled By",
      metadata.ownerReferences
        ?.filter((each) => each.controller === true)
        .map((each) => `${each.kind}/${each.name}`)[0],
    ],
  ];
}

/** `key=value` a line. */
export function keyValues(
  map: Readonly<Record<string, string>> | undefined,
  separator = "=",
): readonly string[] {
  return Object.entries(map ?? {}).map(([key, value]) => `${key}${separator}${value}`);
}

/** It repeats the whole object, and is for tools only. */
function withoutApplied(
  annotations: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  const { "kubectl.kubernetes.io/last-applied-configuration": _, ...others } = annotations ?? {};
  return others;
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

export function conditionPairs(conditions: readonly Condition[] | undefined): Pairs | undefined {
  if (conditions === undefined || conditions.length === 0) return undefined;
  return conditions.map((each): readonly [string, Described] => {
    const why = [each.reason, each.message].filter((part) => part !== undefined && part !== "");
    return [each.type, why.length === 0 ? each.status : `${each.status} (${why.join(": ")})`];
  });
}
