/** Autoscalers over hollow nodes, whose pods say themselves what they use. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { findCondition } from "#lib/api/condition";
import type { JsonObject } from "#lib/json";
import type { ApiObject } from "#proto";
import type { HorizontalPodAutoscaler } from "#proto/autoscaling/v2";
import { deployments, events, horizontalPodAutoscalers, pods } from "#resources";
import { useCluster } from "./testing.ts";

const cluster = useCluster({ before, after }, { nodes: 2 });

const annotations = { "naru.dev/cpu-usage": "10m", "naru.dev/memory-usage": "100Mi" };
/** Memory counts from a pod's start on; of CPU the first quarter of a minute does not count. */
const MEMORY = {
  type: "Resource",
  resource: { name: "memory", target: { type: "AverageValue", averageValue: "40Mi" } },
};

function deployment(namespace: string, name: string, replicas: number): object {
  const metadata = { labels: { app: name }, annotations };
  const spec = { containers: [{ name: "main", image: "i" }] };
  return {
    ...{ apiVersion: "apps/v1", kind: "Deployment", metadata: { name, namespace } },
    spec: { replicas, selector: { matchLabels: { app: name } }, template: { metadata, spec } },
  };
}

function autoscaler(
  namespace: string,
  name: string,
  target: JsonObject,
  more: object = {},
): object {
  return {
    ...{
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: { name, namespace },
    },
    spec: { scaleTargetRef: target, maxReplicas: 5, metrics: [MEMORY], ...more },
  };
}

function of(name: string): JsonObject {
  return { apiVersion: "apps/v1", kind: "Deployment", name };
}

/** The autoscaler, once this condition has this reason. */
function untilSays(namespace: string, name: string, type: string, reason: string) {
  const says = ({ status }: HorizontalPodAutoscaler): boolean =>
    findCondition(status.conditions, type)?.reason === reason;
  return cluster().waitFor(horizontalPodAutoscalers, { namespace, name }, says);
}

async function running(namespace: string, name: string, replicas: number): Promise<void> {
  await cluster().waitFor(
    deployments,
    { namespace, name },
    ({ status }) => status.availableReplicas === replicas,
  );
}

test("a Deployment grows to what its pods use", async () => {
  const namespace = await cluster().createNamespace();
  await cluster().apply([deployment(namespace, "web", 1)]);
  await running(namespace, "web", 1);
  await cluster().apply([autoscaler(namespace, "web", of("web"))]);
  await running(namespace, "web", 3);
  const { metadata, status } = await untilSays(namespace, "web", "AbleToScale", "SucceededRescale");
  assert.deepEqual(
    [status.currentReplicas, status.desiredReplicas, status.observedGeneration],
    [1, 3, metadata.generation],
  );
  assert.deepEqual(status.currentMetrics, [
    { type: "Resource", resource: { name: "memory", current: { averageValue: "104857600" } } },
  ]);
  const told = (await cluster().client.list(events, { namespace })).items.filter(
    ({ involvedObject }) => involvedObject.kind === "HorizontalPodAutoscaler",
  );
  assert.deepEqual(
    told.map(({ message, reason }) => `${reason}: ${message}`),
    ["SuccessfulRescale: New size: 3; reason: memory resource above target"],
  );
});

test("a custom kind that can be scaled is", async () => {
  const namespace = await cluster().createNamespace();
  const scale = {
    specReplicasPath: ".spec.replicas",
    statusReplicasPath: ".status.replicas",
    labelSelectorPath: ".status.selector",
  };
  const schema = {
    openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
  };
  await cluster().apply([
    {
      ...{ apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition" },
      metadata: { name: "sites.example.com" },
      spec: {
        group: "example.com",
        scope: "Namespaced",
        names: { kind: "Site", plural: "sites" },
        versions: [
          { name: "v1", served: true, storage: true, schema, subresources: { status: {}, scale } },
        ],
      },
    },
    {
      ...{ apiVersion: "example.com/v1", kind: "Site", metadata: { name: "main", namespace } },
      spec: { replicas: 1 },
    },
    {
      ...{ apiVersion: "v1", kind: "Pod" },
      metadata: { name: "p", namespace, labels: { site: "main" }, annotations },
      spec: { containers: [{ name: "main", image: "i" }] },
    },
  ]);
  const key = { namespace, name: "p" };
  await cluster().waitFor(pods, key, ({ status }) => status.phase === "Running");
  type Site = ApiObject & { readonly spec: { readonly replicas: number } };
  const sites = cluster().kind<Site>("example.com/v1", "Site");
  const status = { replicas: 1, selector: "site=main" };
  const site = { namespace, name: "main" };
  await cluster().client.patch(
    sites,
    site,
    { type: "merge", body: { status } },
    { subresource: "status" },
  );
  const target = { apiVersion: "example.com/v1", kind: "Site", name: "main" };
  await cluster().apply([autoscaler(namespace, "main", target)]);
  await cluster().waitFor(sites, site, ({ spec }) => spec.replicas === 3);
});

test("a Deployment at zero is left there", async () => {
  const namespace = await cluster().createNamespace();
  await cluster().apply([
    deployment(namespace, "off", 0),
    autoscaler(namespace, "off", of("off"), { minReplicas: 2 }),
  ]);
  await untilSays(namespace, "off", "ScalingActive", "ScalingDisabled");
  const { spec } = await cluster().client.get(deployments, { namespace, name: "off" });
  assert.equal(spec.replicas, 0);
});

test("bounds hold without metrics, and what is missing is told", async () => {
  const namespace = await cluster().createNamespace();
  const hits = {
    type: "External",
    external: { metric: { name: "hits" }, target: { type: "Value", value: "5" } },
  };
  await cluster().apply([
    deployment(namespace, "few", 1),
    autoscaler(namespace, "few", of("few"), { minReplicas: 2, metrics: [hits] }),
    autoscaler(namespace, "none", of("none")),
    autoscaler(namespace, "every", { apiVersion: "apps/v1", kind: "DaemonSet", name: "x" }),
    autoscaler(namespace, "strange", { apiVersion: "example.com/v7", kind: "Odd", name: "x" }),
  ]);
  await running(namespace, "few", 2);
  const none = await untilSays(namespace, "none", "AbleToScale", "FailedGetScale");
  assert.match(none.status.conditions?.[0]?.message ?? "", /deployments\.apps "none" not found/);
  const every = await untilSays(namespace, "every", "AbleToScale", "FailedGetScale");
  assert.match(
    every.status.conditions?.[0]?.message ?? "",
    /daemonsets have no sub-resource scale/,
  );
  const strange = await untilSays(namespace, "strange", "AbleToScale", "FailedGetScale");
  assert.match(
    strange.status.conditions?.[0]?.message ?? "",
    /no matches for kind "Odd" in group "example.com"/,
  );
});

test("two autoscalers do not pull at the same pods", async () => {
  const namespace = await cluster().createNamespace();
  await cluster().apply([deployment(namespace, "web", 1)]);
  await running(namespace, "web", 1);
  await cluster().apply([autoscaler(namespace, "one", of("web"), { maxReplicas: 1 })]);
  await untilSays(namespace, "one", "ScalingLimited", "TooManyReplicas");
  await cluster().apply([autoscaler(namespace, "two", of("web"))]);
  const two = await untilSays(namespace, "two", "ScalingActive", "AmbiguousSelector");
  const message = findCondition(two.status.conditions, "ScalingActive")?.message ?? "";
  assert.ok(message.includes(`[${namespace}/one ${namespace}/two]`), message);

  // One that has lost its target is in nobody's way.
  const away = { spec: { scaleTargetRef: { name: "gone" } } };
  const { client } = cluster();
  await client.patch(
    horizontalPodAutoscalers,
    { namespace, name: "one" },
    { type: "merge", body: away },
  );
  await untilSays(namespace, "one", "AbleToScale", "FailedGetScale");
  const more = { spec: { maxReplicas: 6 } };
  await client.patch(
    horizontalPodAutoscalers,
    { namespace, name: "two" },
    { type: "merge", body: more },
  );
  await untilSays(namespace, "two", "ScalingActive", "ValidMetricFound");
});
