import { withCondition } from "#lib/api/condition";
import { formatTime } from "#lib/api/time";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { ServiceCIDR } from "#proto/networking/v1";
import { serviceCidrs } from "#resources";
import type { ServiceRepairOptions } from "./repair.ts";
import { DEFAULT_CIDR } from "./service-ranges.ts";

/** The cluster's own ServiceCIDR, ready at once: without it there would be no address for the first service. */
export async function keepDefaultRange(
  options: Pick<ServiceRepairOptions, "api" | "core" | "logger" | "serviceCidr">,
): Promise<void> {
  const { api, core, logger, serviceCidr } = options;
  const target = { resource: serviceCidrs, name: DEFAULT_CIDR };
  const object = (await found(options)) ?? (await made(options));
  if (object === undefined || object.metadata.deletionTimestamp !== undefined) return;
  if (!object.spec?.cidrs?.includes(serviceCidr)) {
    const cidrs = object.spec?.cidrs ?? [];
    logger.info("the server's service range is not that of the cluster's ServiceCIDR", {
      serviceCidr,
      cidrs,
    });
    return;
  }
  const conditions = withCondition(object.status?.conditions, {
    type: "Ready",
    status: "True",
    reason: "",
    message: "Kubernetes default Service CIDR is ready",
    lastTransitionTime: formatTime(core.steps.clock.nowMs()),
  });
  if (object.status?.conditions?.some(({ type }) => type === "Ready")) return;
  const ready = { ...object, status: { ...object.status, conditions } } as unknown as JsonObject;
  await api.update({ ...target, subresource: "status" }, ready).catch((error: unknown) => {
    // Another server was faster, with the same.
    if (!StatusError.is(error, "Conflict")) throw error;
  });
}

async function found({
  core,
}: Pick<ServiceRepairOptions, "core">): Promise<ServiceCIDR | undefined> {
  const published = await core.steps.reader.get(serviceCidrs, undefined, DEFAULT_CIDR);
  return published?.object as ServiceCIDR | undefined;
}

async function made({
  api,
  core,
  serviceCidr,
}: Pick<ServiceRepairOptions, "api" | "core" | "serviceCidr">): Promise<ServiceCIDR | undefined> {
  try {
    const object = { metadata: { name: DEFAULT_CIDR }, spec: { cidrs: [serviceCidr] } };
    return (await api.create({ resource: serviceCidrs }, object)) as ServiceCIDR;
  } catch (error) {
    if (!StatusError.is(error, "AlreadyExists")) throw error;
    return found({ core });
  }
}
