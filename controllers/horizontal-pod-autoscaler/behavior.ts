/** How far the number of replicas may go just now: what was wanted and what was changed lately bound it. Pure. */
import { SCALE_DOWN_DEFAULT, SCALE_UP_DEFAULT } from "#lib/api/autoscaling";
import { parseQuantity } from "#lib/api/quantity";
import type { HorizontalPodAutoscaler, HPAScalingRules } from "#proto/autoscaling/v2";

/** What was wanted, and what was done. It is in memory alone: who starts anew begins with what is. */
export interface History {
  readonly wishes: readonly { readonly atMs: number; readonly replicas: number }[];
  /** By how much the number was changed. */
  readonly changes: readonly { readonly atMs: number; readonly by: number }[];
}

export const NO_HISTORY: History = { wishes: [], changes: [] };

export interface Behavior {
  readonly up: Required<HPAScalingRules>;
  readonly down: Required<HPAScalingRules>;
}

/** Kubernetes' value, a flag of its controller manager there. */
const SCALE_DOWN_WINDOW_SECONDS = 300;
const TOLERANCE = "100m";

export function behaviorOf({ spec }: HorizontalPodAutoscaler): Behavior {
  const { scaleDown, scaleUp } = spec.behavior ?? {};
  const rest = { tolerance: TOLERANCE, stabilizationWindowSeconds: SCALE_DOWN_WINDOW_SECONDS };
  return {
    up: { ...rest, ...SCALE_UP_DEFAULT, ...scaleUp } as Required<HPAScalingRules>,
    down: { ...rest, ...SCALE_DOWN_DEFAULT, ...scaleDown } as Required<HPAScalingRules>,
  };
}

/** Metrics so near to their target are left as they are. */
export function isTolerated({ down, up }: Behavior, ratio: number): boolean {
  return 1 - shareOf(down) <= ratio && ratio <= 1 + shareOf(up);
}

function shareOf({ tolerance }: Required<HPAScalingRules>): number {
  return Number(parseQuantity(tolerance).nanos) / 1e9;
}

export interface Step {
  readonly current: number;
  readonly wanted: number;
  readonly least: number;
  readonly most: number;
}

export interface Bounded {
  readonly replicas: number;
  readonly reason: string;
  readonly message: string;
}

/** Neither above the lowest wish of the window for growing, nor below the highest of that for shrinking. */
export function stabilized(
  { current, wanted }: Step,
  { down, up }: Behavior,
  { wishes }: History,
  nowMs: number,
): Bounded {
  const since = (rules: Required<HPAScalingRules>): number[] =>
    wishes
      .filter(({ atMs }) => atMs > nowMs - rules.stabilizationWindowSeconds * 1000)
      .map(({ replicas }) => replicas);
  const lowest = Math.min(wanted, ...since(up));
  const highest = Math.max(wanted, ...since(down));
  const replicas = Math.min(Math.max(current, lowest), highest);
  if (replicas === wanted)
    return {
      replicas,
      reason: "ReadyForNewScale",
      message: "recommended size matches current size",
    };
  return wanted >= current
    ? {
        replicas,
        reason: "ScaleUpStabilized",
        message:
          "recent recommendations were lower than current one, applying the lowest recent recommendation",
      }
    : {
        replicas,
        reason: "ScaleDownStabilized",
        message:
          "recent recommendations were higher than current one, applying the highest recent recommendation",
      };
}

/** What policies and the autoscaler's own bounds leave of it. */
export function limited(
  { current, least, most, wanted }: Step,
  { down, up }: Behavior,
  history: History,
  nowMs: number,
): Bounded {
  if (wanted > current) {
    // What was added lately may be more than a policy that is new allows.
    const limit = Math.max(current, reach(up, 1, { current, history, nowMs }));
    if (wanted > Math.min(limit, most))
      return limit < most ? { replicas: limit, ...TOO_FAST_UP } : { replicas: most, ...TOO_MANY };
  }
  if (wanted < current) {
    const limit = Math.min(current, reach(down, -1, { current, history, nowMs }));
    if (wanted < Math.max(limit, least))
      return limit > least
        ? { replicas: limit, ...TOO_FAST_DOWN }
        : { replicas: least, ...TOO_FEW };
  }
  return { replicas: wanted, ...IN_RANGE };
}

const TOO_FAST_UP = {
  reason: "ScaleUpLimit",
  message: "the desired replica count is increasing faster than the maximum scale rate",
};
const TOO_FAST_DOWN = {
  reason: "ScaleDownLimit",
  message: "the desired replica count is decreasing faster than the maximum scale rate",
};
const TOO_MANY = {
  reason: "TooManyReplicas",
  message: "the desired replica count is more than the maximum replica count",
};
const TOO_FEW = {
  reason: "TooFewReplicas",
  message: "the desired replica count is less than the minimum replica count",
};
const IN_RANGE = {
  reason: "DesiredWithinRange",
  message: "the desired count is within the acceptable range",
};

interface Past {
  readonly current: number;
  readonly history: History;
  readonly nowMs: number;
}

/** How far the rules let the number go in their direction, counted from what it was when each period began. */
function reach(rules: Required<HPAScalingRules>, sign: -1 | 1, past: Past): number {
  const { current, history, nowMs } = past;
  if (rules.selectPolicy === "Disabled") return current;
  const changes = rules.policies.map(({ periodSeconds, type, value }) => {
    const lately = history.changes.filter(({ atMs }) => atMs > nowMs - periodSeconds * 1000);
    const before = current - lately.reduce((sum, { by }) => sum + by, 0);
    if (type === "Pods") return before + sign * value;
    // Rounded so that a small number can change at all.
    const share = before * (1 + (sign * value) / 100);
    return sign > 0 ? Math.ceil(share) : Math.floor(share);
  });
  const least = rules.selectPolicy === "Min";
  return sign > 0 === least ? Math.min(...changes) : Math.max(...changes);
}

/** With what became of it, and without what no window or period looks at any more. */
export function remembered(
  history: History,
  news: { readonly wish?: number; readonly change?: number },
  { down, up }: Behavior,
  nowMs: number,
): History {
  const longest = (seconds: readonly number[]): number => nowMs - Math.max(...seconds) * 1000;
  const windows = [up, down].map((rules) => rules.stabilizationWindowSeconds);
  const periods = [up, down].flatMap(({ policies }) => policies.map((each) => each.periodSeconds));
  const { change, wish } = news;
  return {
    wishes: [
      ...history.wishes.filter(({ atMs }) => atMs > longest(windows)),
      ...(wish === undefined ? [] : [{ atMs: nowMs, replicas: wish }]),
    ],
    changes: [
      ...history.changes.filter(({ atMs }) => atMs > longest(periods)),
      ...(change === undefined ? [] : [{ atMs: nowMs, by: change }]),
    ],
  };
}
