/** What becomes of a range of services' addresses. Pure. */
import { contains, parseCidr } from "#lib/api/cidr";
import { isConditionTrue, withCondition } from "#lib/api/condition";
import { formatTime, parseTime } from "#lib/api/time";
import type { IPAddress, ServiceCIDR } from "#proto/networking/v1";

const FINALIZER = "networking.k8s.io/service-cidr-finalizer";
const MANAGER = "ipaddress.kubernetes.io/managed-by";
const ALLOCATOR = "ipallocator.k8s.io";
/** Kubernetes' time for all API servers to hear that a range is to go. */
const GRACE_MS = 10_000;

export interface Observed {
  readonly range: ServiceCIDR;
  /** All, with this one. */
  readonly ranges: readonly ServiceCIDR[];
  readonly addresses: readonly IPAddress[];
  readonly nowMs: number;
}

export type Step =
  | { readonly kind: "nothing" }
  | { readonly kind: "wait"; readonly ms: number }
  /** The metadata changes. */
  | { readonly kind: "write"; readonly range: ServiceCIDR }
  | { readonly kind: "write-status"; readonly range: ServiceCIDR };

export function planServiceCidr(observed: Observed): Step {
  const { nowMs, range } = observed;
  const { deletionTimestamp, finalizers = [] } = range.metadata;
  if (deletionTimestamp === undefined) {
    if (!finalizers.includes(FINALIZER)) return withFinalizers(range, [...finalizers, FINALIZER]);
    if (isConditionTrue(range.status?.conditions, "Ready")) return { kind: "nothing" };
    return withReady(range, nowMs, ["True", "", "Kubernetes Service CIDR is ready"]);
  }
  if (!finalizers.includes(FINALIZER)) return { kind: "nothing" };
  if (isInUse(observed)) {
    const message =
      "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR";
    return withReady(range, nowMs, ["False", "Terminating", message]);
  }
  const ms = (parseTime(deletionTimestamp) ?? 0) + GRACE_MS - nowMs;
  if (ms > 0) return { kind: "wait", ms };
  return withFinalizers(
    range,
    finalizers.filter((each) => each !== FINALIZER),
  );
}

/** Some service's address would lie in no range any more. */
function isInUse({ addresses, range, ranges }: Observed): boolean {
  const others = ranges.filter(({ metadata }) => metadata.uid !== range.metadata.uid);
  return addresses.some(
    ({ metadata: { labels, name } }) =>
      labels?.[MANAGER] === ALLOCATOR &&
      holds(range, name) &&
      !others.some((each) => holds(each, name)),
  );
}

function holds({ spec }: ServiceCIDR, address: string): boolean {
  const ranges = (spec?.cidrs ?? []).flatMap((cidr) => parseCidr(cidr) ?? []);
  return ranges.some((range) => contains(range, address));
}

function withFinalizers(range: ServiceCIDR, finalizers: readonly string[]): Step {
  return { kind: "write", range: { ...range, metadata: { ...range.metadata, finalizers } } };
}

function withReady(
  range: ServiceCIDR,
  nowMs: number,
  [status, reason, message]: readonly [string, string, string],
): Step {
  const before = range.status?.conditions;
  const lastTransitionTime = formatTime(nowMs);
  const condition = { type: "Ready", status, reason, message, lastTransitionTime };
  const conditions = withCondition(before, condition);
  if (conditions === before) return { kind: "nothing" };
  return { kind: "write-status", range: { ...range, status: { ...range.status, conditions } } };
}
