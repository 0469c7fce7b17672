/** The ranges that cluster addresses come from: what the ServiceCIDRs name that are ready. */

import { type Cidr, parseCidr } from "#lib/api/cidr";
import { isConditionTrue } from "#lib/api/condition";
import type { ServiceCIDR } from "#proto/networking/v1";
import { serviceCidrs } from "#resources";
import type { Reader } from "../chain/steps.ts";

/** The one that every cluster has. */
export const DEFAULT_CIDR = "kubernetes";

export interface ServiceRange extends Cidr {
  readonly text: string;
}

/** The cluster's own first, then the oldest; without the cluster's own, `fallback` stands for it. */
export async function rangesOf(reader: Reader, fallback: string): Promise<readonly ServiceRange[]> {
  const { items } = await reader.list({ resource: serviceCidrs });
  const all = items.map(({ object }) => object as ServiceCIDR);
  const isMissing = !all.some(({ metadata }) => metadata.name === DEFAULT_CIDR);
  const given = all
    .filter(isInUse)
    .toSorted((a, b) => orderOf(a).localeCompare(orderOf(b)))
    .flatMap(({ spec }) => spec?.cidrs ?? []);
  return (isMissing ? [fallback, ...given] : given).flatMap((text) => rangeOf(text) ?? []);
}

function rangeOf(text: string): ServiceRange | undefined {
  const range = parseCidr(text);
  return range && { ...range, text };
}

/** From one that is to go, nothing more is given out. */
function isInUse({ metadata, status }: ServiceCIDR): boolean {
  return metadata.deletionTimestamp === undefined && isConditionTrue(status?.conditions, "Ready");
}

function orderOf({ metadata }: ServiceCIDR): string {
  const { creationTimestamp, name } = metadata;
  return name === DEFAULT_CIDR ? "" : `${creationTimestamp} ${name}`;
}
