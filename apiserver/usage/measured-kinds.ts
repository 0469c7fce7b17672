/** Metrics are kinds whose objects nobody stores: they are made, when they are read, of what the nodes say just now. */
import type { JsonObject } from "#lib/json";
import type { ApiObject } from "#proto";
import type { Pod } from "#proto/core/v1";
import { nodeMetrics, nodes, podMetrics, pods, type Resource } from "#resources";
import { Published } from "../chain/published.ts";
import type { ListQuery, PublishedList, Reader } from "../chain/steps.ts";
import { nodeMetricsOf, podMetricsOf } from "./metrics.ts";
import type { NodeUsage } from "./node-usage.ts";

interface MeasuredKind {
  /** The stored objects that it tells of, one by one, under the same names. */
  readonly of: Resource;
  /** Undefined of one that cannot be measured now. */
  measure(object: ApiObject, usage: NodeUsage): Promise<ApiObject | undefined>;
}

const MEASURED: ReadonlyMap<Resource, MeasuredKind> = new Map<Resource, MeasuredKind>([
  [
    nodeMetrics,
    {
      of: nodes,
      measure: async (node, usage) => {
        const summary = await usage(node.metadata.name);
        return summary && nodeMetricsOf(node, summary);
      },
    },
  ],
  [
    podMetrics,
    {
      of: pods,
      measure: async (object, usage) => {
        const pod = object as Pod;
        if (pod.status.phase !== "Running") return undefined;
        const summary = await usage(pod.spec.nodeName ?? "");
        return summary && podMetricsOf(pod, summary);
      },
    },
  ],
]);

/** What cannot be measured is not there: a node that does not answer in time, and its pods. */
export function withMeasuredKinds(objects: Reader, usage: NodeUsage): Reader {
  return {
    get: (resource, namespace, name, resourceVersion) => {
      const kind = MEASURED.get(resource);
      const found = objects.get(kind?.of ?? resource, namespace, name, resourceVersion);
      return kind === undefined ? found : measuredOne(found, kind, usage);
    },
    known: (resource, namespace, name) =>
      MEASURED.has(resource) ? undefined : objects.known(resource, namespace, name),
    list: (query) => {
      const kind = MEASURED.get(query.resource);
      return kind === undefined ? objects.list(query) : measuredList(objects, query, kind, usage);
    },
    // None of them has the verb.
    watch: (query, signal) => objects.watch(query, signal),
  };
}

async function measuredOne(
  found: Promise<Published | undefined>,
  { measure }: MeasuredKind,
  usage: NodeUsage,
): Promise<Published | undefined> {
  const object = (await found)?.object;
  return object && published(await measure(object, usage));
}

/** Only nodes that have something of what is asked for are asked, side by side. There are no pages. */
async function measuredList(
  objects: Reader,
  { fieldSelector, labelSelector, namespace }: ListQuery,
  { measure, of }: MeasuredKind,
  usage: NodeUsage,
): Promise<PublishedList> {
  const { items, revision } = await objects.list({
    resource: of,
    ...(namespace === undefined ? {} : { namespace }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
  });
  const measured = await Promise.all(items.map(({ object }) => measure(object, usage)));
  return { items: measured.flatMap((each) => published(each) ?? []), revision };
}

function published(object: ApiObject | undefined): Published | undefined {
  return object && Published.unsaved(object as unknown as JsonObject);
}
