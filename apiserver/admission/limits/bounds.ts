/** Where an object leaves the bounds of a LimitRange, in Kubernetes' words. Pure. */

import { podLimitSums, podRequests } from "#lib/api/pod-resources";
import { parseQuantity, type Quantity } from "#lib/api/quantity";
import { type Amounts, parseAmounts } from "#lib/quota/amounts";
import type { LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from "#proto/core/v1";

interface Asked {
  readonly requests: Amounts;
  readonly limits: Amounts;
}

export function podProblems(pod: Pod, range: LimitRange): readonly string[] {
  const { containers, initContainers = [] } = pod.spec;
  return range.spec.limits.flatMap((item) => {
    switch (item.type) {
      case "Container":
        return [...containers, ...initContainers].flatMap(({ resources }) =>
          problemsOf(item, {
            requests: parseAmounts(resources.requests),
            limits: parseAmounts(resources.limits),
          }),
        );
      case "Pod":
        return problemsOf(item, { requests: podRequests(pod), limits: podLimitSums(pod) });
      default:
        return [];
    }
  });
}

/** Claims have requests alone: what they ask for is what they get. */
export function claimProblems(claim: PersistentVolumeClaim, range: LimitRange): readonly string[] {
  const requests = parseAmounts(claim.spec.resources?.requests);
  return range.spec.limits
    .filter(({ type }) => type === "PersistentVolumeClaim")
    .flatMap((item) => [
      ...each(item.min, (name, least) => belowRequest(item, name, least, requests[name])),
      ...each(item.max, (name, most) => {
        const request = requests[name];
        return request !== undefined && request.compare(most) > 0
          ? [`maximum ${name} usage per ${item.type} is ${most}, but request is ${request}`]
          : [];
      }),
    ]);
}

function problemsOf(item: LimitRangeItem, asked: Asked): readonly string[] {
  return [
    ...each(item.min, (name, least) => tooLittle(item, name, least, asked)),
    ...each(item.max, (name, most) => tooMuch(item, name, most, asked)),
    ...each(item.maxLimitRequestRatio, (name, ratio) => tooFar(item, name, ratio, asked)),
  ];
}

function each(
  amounts: Readonly<Record<string, string>> | undefined,
  check: (name: string, amount: Quantity) => readonly string[],
): readonly string[] {
  return Object.entries(amounts ?? {}).flatMap(([name, text]) => check(name, parseQuantity(text)));
}

function tooLittle(item: LimitRangeItem, name: string, least: Quantity, asked: Asked) {
  const limit = asked.limits[name];
  const problem = belowRequest(item, name, least, asked.requests[name]);
  if (problem.length > 0 || limit === undefined || limit.compare(least) >= 0) return problem;
  return [`minimum ${name} usage per ${item.type} is ${least}, but limit is ${limit}`];
}

function belowRequest(
  { type }: LimitRangeItem,
  name: string,
  least: Quantity,
  request: Quantity | undefined,
): readonly string[] {
  const what = `minimum ${name} usage per ${type} is ${least}`;
  if (request === undefined) return [`${what}.  No request is specified`];
  return request.compare(least) < 0 ? [`${what}, but request is ${request}`] : [];
}

function tooMuch({ type }: LimitRangeItem, name: string, most: Quantity, asked: Asked) {
  const what = `maximum ${name} usage per ${type} is ${most}`;
  const limit = asked.limits[name];
  const request = asked.requests[name];
  if (limit === undefined) return [`${what}.  No limit is specified`];
  if (limit.compare(most) > 0) return [`${what}, but limit is ${limit}`];
  return request !== undefined && request.compare(most) > 0
    ? [`${what}, but request is ${request}`]
    : [];
}

function tooFar({ type }: LimitRangeItem, name: string, ratio: Quantity, asked: Asked) {
  const what = `${name} max limit to request ratio per ${type} is ${ratio}`;
  const limit = asked.limits[name]?.nanos ?? 0n;
  const request = asked.requests[name]?.nanos ?? 0n;
  if (request === 0n) return [`${what}, but no request is specified or request is 0`];
  if (limit === 0n) return [`${what}, but no limit is specified or limit is 0`];
  // Exact, where a quotient would be rounded.
  const isTooFar = limit * 1_000_000_000n > request * ratio.nanos;
  return isTooFar
    ? [`${what}, but provided ratio is ${(Number(limit) / Number(request)).toFixed(6)}`]
    : [];
}
