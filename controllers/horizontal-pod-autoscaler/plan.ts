/** How many replicas there should be, and what there is to say about it. Pure. */
import type { Occurrence } from "#client";
import { withCondition } from "#lib/api/condition";
import { formatTime } from "#lib/api/time";
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerStatus,
  MetricStatus,
} from "#proto/autoscaling/v2";
import type { Pod } from "#proto/core/v1";
import type { PodMetrics } from "#proto/metrics/v1beta1";
import {
  behaviorOf,
  type History,
  isTolerated,
  limited,
  remembered,
  stabilized,
} from "./behavior.ts";
import { type Outcome, outcomeOf } from "./metric.ts";

export interface AutoscalerInput {
  readonly autoscaler: HorizontalPodAutoscaler;
  /** How many replicas the target wants now. */
  readonly current: number;
  /** Those that the target's selector finds. */
  readonly pods: readonly Pod[];
  readonly metrics: readonly PodMetrics[] | { readonly problem: string };
  /** Why it cannot be said which pods they are. */
  readonly unclear?: { readonly reason: string; readonly message: string };
  readonly history: History;
  readonly nowMs: number;
  readonly monotonicMs: number;
}

export interface AutoscalerPlan {
  /** The same as `current` when there is nothing to do. */
  readonly replicas: number;
  /** Why they change. */
  readonly why: string;
  readonly status: HorizontalPodAutoscalerStatus;
  readonly events: readonly Occurrence[];
  readonly history: History;
}

export function planAutoscaler(input: AutoscalerInput): AutoscalerPlan {
  const { autoscaler, current, history, nowMs } = input;
  const { maxReplicas, minReplicas = 1 } = autoscaler.spec;
  const status = withFact(statusBefore(autoscaler), nowMs, GOT_SCALE);
  const rest = { status: counted(status, input, current), events: [], history };
  if (current === 0)
    return { ...rest, replicas: 0, why: "", status: withFact(rest.status, nowMs, DISABLED) };
  if (current > maxReplicas) {
    const why = "Current number of replicas above Spec.MaxReplicas";
    return { ...rest, replicas: maxReplicas, why };
  }
  if (current < minReplicas) {
    const why = "Current number of replicas below Spec.MinReplicas";
    return { ...rest, replicas: minReplicas, why };
  }
  return planByMetrics(input, status);
}

/** As long as nothing has been found out. */
export function statusBefore({
  metadata,
  status,
}: HorizontalPodAutoscaler): HorizontalPodAutoscalerStatus {
  const { conditions, lastScaleTime } = status;
  return {
    observedGeneration: metadata.generation ?? 0,
    ...(lastScaleTime === undefined ? {} : { lastScaleTime }),
    desiredReplicas: status.desiredReplicas,
    currentMetrics: [],
    ...(conditions === undefined ? {} : { conditions }),
  };
}

function planByMetrics(
  input: AutoscalerInput,
  before: HorizontalPodAutoscalerStatus,
): AutoscalerPlan {
  const { autoscaler, current, nowMs, unclear } = input;
  if (unclear !== undefined) {
    const why = withFact(before, nowMs, { type: "ScalingActive", status: "False", ...unclear });
    const status = counted(why, input, before.desiredReplicas);
    const events = [warning(unclear.reason, unclear.message)];
    return { replicas: current, why: "", status, events, history: input.history };
  }
  const behavior = behaviorOf(autoscaler);
  const specs = autoscaler.spec.metrics ?? [];
  const seen = { ...input, isTolerated: (ratio: number) => isTolerated(behavior, ratio) };
  const outcomes = specs.map((spec) => outcomeOf(spec, seen));
  const failures = outcomes.filter((each) => "problem" in each);
  const events = failures.map(({ problem, reason }) => warning(reason, problem));
  const best = highest(outcomes);
  const [failure] = failures;
  const currentMetrics = outcomes.map((each, at) => statusOf(each, specs[at]?.type ?? ""));
  const known = { ...before, currentMetrics };
  // What is not known might want more: then nothing is taken away.
  if (failure !== undefined && (best === undefined || best.replicas < current)) {
    const message = `invalid metrics (${failures.length} invalid out of ${specs.length}), first error is: ${failure.problem}`;
    const status = withFact(counted(known, input, before.desiredReplicas), nowMs, {
      ...{ type: "ScalingActive", status: "False", reason: failure.reason },
      message: `the HPA was unable to compute the replica count: ${failure.problem}`,
    });
    const all = [...events, warning("FailedComputeMetricsReplicas", message)];
    return { replicas: current, why: "", status, events: all, history: input.history };
  }
  const status = counted(known, input, current);
  return { ...follow(input, { status, best }), events };
}

interface Wish {
  readonly status: HorizontalPodAutoscalerStatus;
  /** Nothing is wanted of an autoscaler without metrics. */
  readonly best: { readonly replicas: number; readonly name: string } | undefined;
}

/** As far towards the wish as the behaviour lets it go. */
function follow(input: AutoscalerInput, { best, status }: Wish): Omit<AutoscalerPlan, "events"> {
  const { autoscaler, current, monotonicMs, nowMs } = input;
  const behavior = behaviorOf(autoscaler);
  const { name = "", replicas: wanted = current } = best ?? {};
  const { maxReplicas: most, minReplicas: least = 1 } = autoscaler.spec;
  const history = withFirstWish(input);
  const step = { current, wanted, least, most };
  const steady = stabilized(step, behavior, history, monotonicMs);
  const bounded = limited({ ...step, wanted: steady.replicas }, behavior, history, monotonicMs);
  const facts: readonly Fact[] = [
    {
      ...{ type: "ScalingActive", status: "True", reason: "ValidMetricFound" },
      message: `the HPA was able to successfully calculate a replica count from ${name}`,
    },
    { type: "AbleToScale", status: "True", reason: steady.reason, message: steady.message },
    {
      ...{ type: "ScalingLimited", reason: bounded.reason, message: bounded.message },
      status: bounded.replicas === steady.replicas ? "False" : "True",
    },
  ];
  return {
    replicas: bounded.replicas,
    why: wanted > current ? `${name} above target` : "All metrics below target",
    status: facts.reduce((so, fact) => withFact(so, nowMs, fact), status),
    history: remembered(history, { wish: wanted }, behavior, monotonicMs),
  };
}

/** Whoever begins has always wanted what there is. */
function withFirstWish({ current, history, monotonicMs }: AutoscalerInput): History {
  if (history.wishes.length > 0) return history;
  return { ...history, wishes: [{ atMs: monotonicMs, replicas: current }] };
}

function highest(outcomes: readonly Outcome[]) {
  return outcomes
    .filter((each) => "replicas" in each)
    .reduce<Extract<Outcome, { replicas: number }> | undefined>(
      (best, each) => (best === undefined || each.replicas > best.replicas ? each : best),
      undefined,
    );
}

/** A place is kept for a metric that says nothing, so that statuses stand in the order of the metrics. */
function statusOf(outcome: Outcome, type: string): MetricStatus {
  return "status" in outcome ? outcome.status : { type };
}

/** The status and the history once the target has been told. */
export function rescaled(
  plan: AutoscalerPlan,
  { autoscaler, current, monotonicMs, nowMs }: AutoscalerInput,
): AutoscalerPlan {
  const { history, replicas, why } = plan;
  const status = withFact({ ...plan.status, lastScaleTime: formatTime(nowMs) }, nowMs, {
    ...{ type: "AbleToScale", status: "True", reason: "SucceededRescale" },
    message: `the HPA controller was able to update the target scale to ${replicas}`,
  });
  const message = `New size: ${replicas}; reason: ${why}`;
  return {
    ...plan,
    status: { ...status, desiredReplicas: replicas },
    events: [...plan.events, { type: "Normal", reason: "SuccessfulRescale", message }],
    history: remembered(
      history,
      { change: replicas - current },
      behaviorOf(autoscaler),
      monotonicMs,
    ),
  };
}

/** The same when the target did not take it. */
export function notRescaled(plan: AutoscalerPlan, nowMs: number, error: string): AutoscalerPlan {
  const status = withFact(plan.status, nowMs, {
    ...{ type: "AbleToScale", status: "False", reason: "FailedUpdateScale" },
    message: `the HPA controller was unable to update the target scale: ${error}`,
  });
  const message = `New size: ${plan.replicas}; reason: ${plan.why}; error: ${error}`;
  return { ...plan, status, events: [...plan.events, warning("FailedRescale", message)] };
}

export interface Fact {
  readonly type: string;
  readonly status: "False" | "True";
  readonly reason: string;
  readonly message: string;
}

const GOT_SCALE: Fact = {
  type: "AbleToScale",
  status: "True",
  reason: "SucceededGetScale",
  message: "the HPA controller was able to get the target's current scale",
};
const DISABLED: Fact = {
  type: "ScalingActive",
  status: "False",
  reason: "ScalingDisabled",
  message: "scaling is disabled since the replica count of the target is zero",
};

export function withFact(
  status: HorizontalPodAutoscalerStatus,
  nowMs: number,
  fact: Fact,
): HorizontalPodAutoscalerStatus {
  const condition = { ...fact, lastTransitionTime: formatTime(nowMs) };
  return { ...status, conditions: withCondition(status.conditions, condition) };
}

function counted(
  status: HorizontalPodAutoscalerStatus,
  { current }: AutoscalerInput,
  desiredReplicas: number,
): HorizontalPodAutoscalerStatus {
  const { conditions, currentMetrics, ...rest } = status;
  return {
    ...rest,
    currentReplicas: current,
    desiredReplicas,
    currentMetrics,
    ...(conditions === undefined ? {} : { conditions }),
  };
}

function warning(reason: string, message: string): Occurrence {
  return { type: "Warning", reason, message };
}
