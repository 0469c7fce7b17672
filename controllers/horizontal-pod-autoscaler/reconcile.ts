import { isDeepStrictEqual } from "node:util";
import type { Client, EventRecorder, ObjectStore } from "#client";
import {
  type LabelMatcher,
  parseLabelSelector,
  requirementsMatcher,
  SelectorError,
} from "#lib/api/selector";
import type { Clock } from "#lib/clock";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { Scale } from "#proto/autoscaling/v1";
import type { HorizontalPodAutoscaler } from "#proto/autoscaling/v2";
import type { Pod } from "#proto/core/v1";
import type { PodMetrics } from "#proto/metrics/v1beta1";
import { horizontalPodAutoscalers, podMetrics, type Resource } from "#resources";
import { type History, NO_HISTORY } from "./behavior.ts";
import {
  type AutoscalerInput,
  type AutoscalerPlan,
  notRescaled,
  planAutoscaler,
  rescaled,
  statusBefore,
  withFact,
} from "./plan.ts";

/** What is kept of an autoscaler from one time to the next. */
export interface Memory {
  readonly uid: string;
  readonly history: History;
  /** Which pods its target has; undefined while that is not known. */
  readonly matches: LabelMatcher | undefined;
}

export interface AutoscalerDeps {
  readonly client: Client;
  readonly autoscalers: ObjectStore<HorizontalPodAutoscaler>;
  /** By `namespace/name`; the controller's own. */
  readonly memories: Map<string, Memory>;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  /** How long until it is looked at again. */
  readonly syncMs: number;
  /** All kinds of the cluster, custom ones too. */
  kinds(): readonly Resource[];
  podsOf(namespace: string): Iterable<Pod>;
}

/** Looks at the metrics and scales. Returns when to do so again. */
export async function reconcileAutoscaler(
  deps: AutoscalerDeps,
  key: string,
): Promise<number | undefined> {
  const { autoscalers, memories, recorder } = deps;
  const autoscaler = autoscalers.get(key);
  if (autoscaler === undefined) {
    memories.delete(key);
    return undefined;
  }
  const found = await targetOf(deps, autoscaler);
  if ("problem" in found) {
    const memory = memories.get(key);
    if (memory !== undefined) memories.set(key, { ...memory, matches: undefined });
    await noTarget(deps, autoscaler, found.problem);
    return deps.syncMs;
  }
  const input = await inputOf(deps, key, autoscaler, found.scale);
  const plan = await scaled(deps, found, input, planAutoscaler(input));
  const memory = memories.get(key);
  if (memory !== undefined) memories.set(key, { ...memory, history: plan.history });
  for (const event of plan.events) recorder.record(autoscaler, event);
  await writeStatus(deps, autoscaler, plan.status);
  return deps.syncMs;
}

interface Target {
  readonly resource: Resource;
  readonly scale: Scale;
}

/** Any kind that has the sub-resource; which version of it is named does not matter. */
async function targetOf(
  { client, kinds }: AutoscalerDeps,
  { metadata, spec }: HorizontalPodAutoscaler,
): Promise<Target | { readonly problem: string }> {
  const { apiVersion = "", kind, name } = spec.scaleTargetRef;
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  const resource = kinds().find((each) => each.kind === kind && each.group === group);
  if (resource === undefined)
    return { problem: `no matches for kind "${kind}" in group "${group}"` };
  if (!resource.subresources.some((each) => each.name === "scale"))
    return { problem: `${resource.plural} have no sub-resource scale` };
  const key = { namespace: metadata.namespace ?? "", name };
  try {
    const scale = await client.getSubresource(resource, key, "scale");
    return { resource, scale: scale as unknown as Scale };
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return { problem: error.message };
  }
}

async function noTarget(
  deps: AutoscalerDeps,
  autoscaler: HorizontalPodAutoscaler,
  message: string,
): Promise<void> {
  deps.recorder.record(autoscaler, { type: "Warning", reason: "FailedGetScale", message });
  const { currentMetrics, currentReplicas } = autoscaler.status;
  const before = {
    ...statusBefore(autoscaler),
    ...(currentReplicas === undefined ? {} : { currentReplicas }),
    currentMetrics,
  };
  const status = withFact(before, deps.clock.nowMs(), {
    ...{ type: "AbleToScale", status: "False", reason: "FailedGetScale" },
    message: `the HPA controller was unable to get the target's current scale: ${message}`,
  });
  await writeStatus(deps, autoscaler, status);
}

async function inputOf(
  deps: AutoscalerDeps,
  key: string,
  autoscaler: HorizontalPodAutoscaler,
  scale: Scale,
): Promise<AutoscalerInput> {
  const { clock, memories } = deps;
  const { namespace = "", uid } = autoscaler.metadata;
  const selector = scale.status?.selector ?? "";
  const matcher = matcherOf(selector);
  const matches = "reason" in matcher ? undefined : matcher.matches;
  const known = memories.get(key);
  const history = known?.uid === uid ? known.history : NO_HISTORY;
  memories.set(key, { uid, history, matches });
  const pods =
    matches === undefined
      ? []
      : [...deps.podsOf(namespace)].filter(({ metadata }) => matches(metadata.labels));
  const unclear = "reason" in matcher ? matcher : ambiguity(deps, key, selector, pods);
  return {
    autoscaler,
    current: scale.spec?.replicas ?? 0,
    pods,
    metrics: unclear === undefined ? await metricsOf(deps, namespace, selector) : [],
    ...(unclear === undefined ? {} : { unclear }),
    history,
    nowMs: clock.nowMs(),
    monotonicMs: clock.monotonicMs(),
  };
}

type Unclear = NonNullable<AutoscalerInput["unclear"]>;

function matcherOf(selector: string): { readonly matches: LabelMatcher } | Unclear {
  const reason = "InvalidSelector";
  if (selector === "") return { reason, message: "the HPA target's scale is missing a selector" };
  try {
    return { matches: requirementsMatcher(parseLabelSelector(selector)) };
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error;
    const what = "couldn't convert selector into a corresponding internal selector object";
    return { reason, message: `${what}: ${error.message}` };
  }
}

/** Two that pull at the same pods would never come to rest. */
function ambiguity(
  { memories }: AutoscalerDeps,
  key: string,
  selector: string,
  pods: readonly Pod[],
): Unclear | undefined {
  const namespace = key.slice(0, key.indexOf("/") + 1);
  const all = [...memories]
    .filter(([each, { matches }]) => {
      if (each === key) return true;
      return each.startsWith(namespace) && pods.some(({ metadata }) => matches?.(metadata.labels));
    })
    .map(([each]) => each);
  if (all.length === 1) return undefined;
  const who = all.toSorted().join(" ");
  const message = `pods by selector ${selector} are controlled by multiple HPAs: [${who}]`;
  return { reason: "AmbiguousSelector", message };
}

async function metricsOf(
  { client }: AutoscalerDeps,
  namespace: string,
  labelSelector: string,
): Promise<readonly PodMetrics[] | { readonly problem: string }> {
  try {
    return (await client.list(podMetrics, { namespace }, { labelSelector })).items;
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return { problem: `unable to fetch metrics from resource metrics API: ${error.message}` };
  }
}

async function scaled(
  { client, clock }: AutoscalerDeps,
  { resource, scale }: Target,
  input: AutoscalerInput,
  plan: AutoscalerPlan,
): Promise<AutoscalerPlan> {
  if (plan.replicas === input.current) return plan;
  const { name, namespace = "" } = scale.metadata;
  const wanted = { ...scale, spec: { replicas: plan.replicas } } as unknown as JsonObject;
  try {
    await client.updateSubresource(resource, { namespace, name }, "scale", wanted);
    return rescaled(plan, input);
  } catch (error) {
    // Somebody wrote in between: at once, and from the start again.
    if (!(error instanceof StatusError) || error.reason === "Conflict") throw error;
    return notRescaled(plan, clock.nowMs(), error.message);
  }
}

async function writeStatus(
  { client }: AutoscalerDeps,
  autoscaler: HorizontalPodAutoscaler,
  status: HorizontalPodAutoscaler["status"],
): Promise<void> {
  if (isDeepStrictEqual(autoscaler.status, status)) return;
  try {
    await client.updateStatus(horizontalPodAutoscalers, { ...autoscaler, status });
  } catch (error) {
    if (!StatusError.is(error, "NotFound")) throw error;
  }
}
