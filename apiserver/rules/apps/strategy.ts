/** How a workload goes from one revision to the next. */
import { scaledValue } from "#lib/api/int-or-string";
import type { JsonObject } from "#lib/json";
import { type Causes, forbidden, invalid, required } from "../causes.ts";
import { requiredOneOf } from "../checks.ts";

type Amount = number | string | undefined;

interface Strategy {
  readonly type?: string;
  readonly rollingUpdate?: { readonly maxSurge?: Amount; readonly maxUnavailable?: Amount };
}

interface Form {
  readonly path: string;
  readonly types: readonly string[];
  readonly defaults: {
    readonly maxSurge: number | string;
    readonly maxUnavailable: number | string;
  };
}

export const DEPLOYMENT_STRATEGY: Form = {
  path: "spec.strategy",
  types: ["Recreate", "RollingUpdate"],
  defaults: { maxSurge: "25%", maxUnavailable: "25%" },
};

export const DAEMON_SET_STRATEGY: Form = {
  path: "spec.updateStrategy",
  types: ["OnDelete", "RollingUpdate"],
  defaults: { maxSurge: 0, maxUnavailable: 1 },
};

export function completeStrategy(given: unknown, { defaults }: Form): JsonObject {
  const { rollingUpdate, type } = (given ?? {}) as Strategy;
  const kind = type || "RollingUpdate";
  if (kind !== "RollingUpdate") return { ...(given as JsonObject), type: kind };
  const { maxSurge = defaults.maxSurge, maxUnavailable = defaults.maxUnavailable } =
    rollingUpdate ?? {};
  return { type: kind, rollingUpdate: { maxSurge, maxUnavailable } };
}

export function validateStrategy(given: unknown, { path, types }: Form): Causes {
  const { rollingUpdate, type } = (given ?? {}) as Strategy;
  const wrongType = requiredOneOf(`${path}.type`, type, types);
  if (wrongType.length > 0) return wrongType;
  const here = `${path}.rollingUpdate`;
  if (type !== "RollingUpdate") {
    return rollingUpdate === undefined
      ? []
      : [forbidden(here, `may not be specified when strategy \`type\` is '${type}'`)];
  }
  if (rollingUpdate === undefined)
    return [required(here, "this should be defaulted and never be nil")];
  const { maxSurge, maxUnavailable } = rollingUpdate;
  const amounts = [
    ...validateAmount(`${here}.maxSurge`, maxSurge),
    ...validateAmount(`${here}.maxUnavailable`, maxUnavailable, 100),
  ];
  return amounts.length > 0 || !isZero(maxSurge) || !isZero(maxUnavailable)
    ? amounts
    : [invalid(`${here}.maxUnavailable`, maxUnavailable, "may not be 0 when `maxSurge` is 0")];
}

/** A number of pods, or a percentage of them. */
export function validateAmount(path: string, value: Amount, percentMax?: number): Causes {
  if (value === undefined) return [];
  if (typeof value === "number")
    return value >= 0 ? [] : [invalid(path, value, "must be greater than or equal to 0")];
  const percent = /^(\d+)%$/.exec(value)?.[1];
  if (percent === undefined)
    return [invalid(path, value, "must be an integer or percentage (e.g '5%')")];
  return percentMax !== undefined && Number(percent) > percentMax
    ? [invalid(path, value, `must not be greater than ${percentMax}%`)]
    : [];
}

function isZero(value: Amount): boolean {
  return scaledValue(value, 100, "up") === 0;
}
