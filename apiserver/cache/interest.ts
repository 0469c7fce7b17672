/** What a query can be found by, other than by looking at everything. */
import { parseFieldSelector, parseLabelSelector } from "#lib/api/selector";
import { pods, type Resource } from "#resources";
import { prefixOf } from "../chain/keys.ts";

export interface Selectors {
  readonly resource: Resource;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** The narrowest thing that all objects of a selection share; the selection may still be narrower. */
export type Interest =
  | { readonly by: "key"; readonly key: string }
  | { readonly by: "node"; readonly node: string }
  | { readonly by: "label"; readonly name: string; readonly value: string }
  | { readonly by: "prefix"; readonly prefix: string };

/** For selectors that were found right: throws a SelectorError when a text is wrong. */
export function interestOf(query: Selectors): Interest {
  const prefix = prefixOf(query.resource, query.namespace);
  return byField(query, prefix) ?? byLabel(query) ?? { by: "prefix", prefix };
}

function byField(query: Selectors, prefix: string): Interest | undefined {
  const { resource, namespace, fieldSelector = "" } = query;
  const isKeyKnown = !resource.namespaced || namespace !== undefined;
  for (const { field, operator, value } of parseFieldSelector(fieldSelector)) {
    if (operator !== "=" || value === "") continue;
    if (field === "metadata.name" && isKeyKnown) return { by: "key", key: prefix + value };
    if (field === "spec.nodeName" && resource === pods) return { by: "node", node: value };
  }
  return undefined;
}

function byLabel({ labelSelector = "" }: Selectors): Interest | undefined {
  for (const each of parseLabelSelector(labelSelector)) {
    const [value] = each.operator === "In" && each.values.length === 1 ? each.values : [];
    if (value !== undefined) return { by: "label", name: each.key, value };
  }
  return undefined;
}
