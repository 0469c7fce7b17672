import { isDeepStrictEqual } from "node:util";
import type { JsonObject } from "#lib/json";
import type {
  DeviceClaim,
  DeviceClass,
  ResourceClaim,
  ResourceClaimStatus,
} from "#proto/resource/v1";
import { type Causes, forbidden, invalid } from "../causes.ts";
import { nonEmpty } from "../checks.ts";
import { type KindRules, specOf } from "../kind-rules.ts";
import { bounded, longName, unique } from "./bounds.ts";
import {
  completeClaim,
  deviceClaimCauses,
  deviceConfiguration,
  selectorCauses,
} from "./device-claim.ts";

const LIST_MAX = 32;
const USERS_MAX = 256;

export const deviceClassRules: KindRules = {
  nameRule: "subdomain",
  validate(object) {
    const { config, selectors } = (object as unknown as DeviceClass).spec ?? {};
    return [
      ...bounded("spec.selectors", selectors, LIST_MAX, selectorCauses),
      ...bounded("spec.config", config, LIST_MAX, deviceConfiguration),
    ];
  },
};

export const resourceClaimRules: KindRules = {
  nameRule: "subdomain",
  firstStatus: () => ({}),
  complete: (object) => ({ ...object, spec: completed(specOf(object)) }),
  validateCreate: (object) => deviceClaimCauses("spec.devices", devicesOf(specOf(object))),
  validateUpdate: immutableSpec,
  parts: {
    status: {
      take: (object, old) => ({ ...old, status: object["status"] ?? {} }),
      validate: statusCauses,
    },
  },
};

export const resourceClaimTemplateRules: KindRules = {
  nameRule: "subdomain",
  complete(object) {
    const spec = specOf(object);
    return { ...object, spec: { ...spec, spec: completed((spec["spec"] ?? {}) as JsonObject) } };
  },
  validateCreate: (object) =>
    deviceClaimCauses("spec.spec.devices", devicesOf((specOf(object)["spec"] ?? {}) as JsonObject)),
  validateUpdate: immutableSpec,
};

function devicesOf(spec: JsonObject): DeviceClaim {
  return (spec["devices"] ?? {}) as unknown as DeviceClaim;
}

function completed(spec: JsonObject): JsonObject {
  return { ...spec, devices: completeClaim(devicesOf(spec)) as unknown as JsonObject };
}

function immutableSpec(object: JsonObject, old: JsonObject): Causes {
  if (isDeepStrictEqual(specOf(object), specOf(old))) return [];
  return [invalid("spec", specOf(object), "field is immutable")];
}

/** What is given stays as it is while somebody uses it; nobody is given it who comes when it is to go. */
function statusCauses(object: JsonObject, old: JsonObject): Causes {
  const { allocation, reservedFor = [] } = statusOf(object);
  const before = statusOf(old);
  const isChanged =
    allocation !== undefined &&
    before.allocation !== undefined &&
    !isDeepStrictEqual(allocation, before.allocation);
  const path = "status.reservedFor";
  const isGoing = (old as unknown as ResourceClaim).metadata.deletionTimestamp !== undefined;
  const were = new Set((before.reservedFor ?? []).map(({ uid }) => uid));
  const isNew = reservedFor.some(({ uid }) => !were.has(uid));
  return [
    ...bounded(path, reservedFor, USERS_MAX, ({ name, resource, uid }, at) => [
      ...nonEmpty(`${at}.resource`, resource),
      ...longName(`${at}.name`, name),
      ...nonEmpty(`${at}.uid`, uid),
    ]),
    ...unique(
      (at) => `${path}[${at}].uid`,
      reservedFor.map(({ uid }) => uid),
    ),
    ...(reservedFor.length > 0 && allocation === undefined
      ? [forbidden(path, "may not be specified when `allocated` is not set")]
      : []),
    ...(isGoing && isNew
      ? [forbidden(path, "new entries may not be added while `deletionTimestamp` is set")]
      : []),
    ...(isChanged ? [invalid("status.allocation", allocation, "field is immutable")] : []),
  ];
}

function statusOf(object: JsonObject): ResourceClaimStatus {
  return (object as unknown as ResourceClaim).status ?? {};
}
