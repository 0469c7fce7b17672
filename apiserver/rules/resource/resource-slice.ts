import { isDeepStrictEqual } from "node:util";
import { subdomainProblem } from "#lib/api/names";
import type { JsonObject } from "#lib/json";
import type {
  CounterSet,
  Device,
  DeviceAttribute,
  ResourceSlice,
  ResourceSliceSpec,
} from "#proto/resource/v1";
import { type Causes, invalid, required } from "../causes.ts";
import { givenOf, named } from "../checks.ts";
import { validateNodeSelector } from "../core/pod-scheduling.ts";
import { type KindRules, specOf } from "../kind-rules.ts";
import { driverName, tooLong } from "../storage/csi.ts";
import {
  bounded,
  deviceTaint,
  longName,
  qualifiedName,
  shortName,
  tooMany,
  unique,
} from "./bounds.ts";

/** Kubernetes' bounds. */
const DEVICES_MAX = 128;
const DETAILS_MAX = 32;
const TAINTS_MAX = 16;
const COUNTER_SETS_MAX = 8;
const COUNTERS_MAX = 32;
const POOL_LENGTH_MAX = 253;
const TEXT_LENGTH_MAX = 64;
const PLACES = ["nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection"];
const VALUES = ["bool", "bools", "int", "ints", "string", "strings", "version", "versions"];
const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;

export const resourceSliceRules: KindRules = {
  nameRule: "subdomain",
  validate(object) {
    const spec = specOf(object) as unknown as ResourceSliceSpec;
    return [
      ...driverName("spec.driver", spec.driver ?? ""),
      ...poolCauses(spec.pool),
      ...placeCauses("spec", spec, PLACES),
      ...bounded("spec.devices", spec.devices, DEVICES_MAX, (device, path) =>
        deviceCauses(device, path, spec.perDeviceNodeSelection === true),
      ),
      ...unique(
        (at) => `spec.devices[${at}].name`,
        (spec.devices ?? []).map(({ name }) => name),
      ),
      ...bounded("spec.sharedCounters", spec.sharedCounters, COUNTER_SETS_MAX, counterSetCauses),
    ];
  },
  validateUpdate(object, old) {
    const [now, before] = [specIn(object), specIn(old)];
    return [
      ...fixed("spec.pool.name", now.pool?.name, before.pool?.name),
      ...fixed("spec.driver", now.driver, before.driver),
      ...fixed("spec.nodeName", now.nodeName, before.nodeName),
    ];
  },
};

function specIn(object: JsonObject): ResourceSliceSpec {
  return (object as unknown as ResourceSlice).spec;
}

function fixed(path: string, now: unknown, before: unknown): Causes {
  return isDeepStrictEqual(now, before) ? [] : [invalid(path, now, "field is immutable")];
}

function poolCauses(pool: ResourceSliceSpec["pool"] | undefined): Causes {
  const { generation = 0, name = "", resourceSliceCount = 0 } = pool ?? {};
  const path = "spec.pool";
  return [
    ...(name === "" ? [required(`${path}.name`)] : []),
    ...(name.length > POOL_LENGTH_MAX ? [tooLong(`${path}.name`, POOL_LENGTH_MAX)] : []),
    ...name.split("/").flatMap((part) => named(`${path}.name`, part, subdomainProblem)),
    ...(Number(resourceSliceCount) <= 0
      ? [invalid(`${path}.resourceSliceCount`, resourceSliceCount, "must be greater than zero")]
      : []),
    ...(Number(generation) < 0
      ? [invalid(`${path}.generation`, generation, "must be greater than or equal to zero")]
      : []),
  ];
}

/** Where devices are: said in exactly one way. */
function placeCauses(
  path: string,
  place: Pick<ResourceSliceSpec, "allNodes" | "nodeName" | "nodeSelector">,
  ways: readonly string[],
): Causes {
  const given = givenOf(place, ways);
  const list = ways.map((way) => `\`${way}\``).join(", ");
  const why = `exactly one of ${list} is required`;
  if (given.length === 0) return [required(path, why)];
  if (given.length > 1)
    return [invalid(path, `{${given.join(", ")}}`, `${why}, but multiple fields are set`)];
  const { nodeName, nodeSelector } = place;
  if (nodeName !== undefined) return longName(`${path}.nodeName`, nodeName);
  if (nodeSelector !== undefined) return validateNodeSelector(nodeSelector, `${path}.nodeSelector`);
  const [way = ""] = given;
  const isTrue = (place as Readonly<Record<string, unknown>>)[way] === true;
  return isTrue ? [] : [invalid(`${path}.${way}`, false, "when set, must be true")];
}

function deviceCauses(device: Device, path: string, choosesPlace: boolean): Causes {
  const { attributes = {}, capacity = {}, name, taints } = device;
  const details = [...Object.keys(attributes), ...Object.keys(capacity)];
  return [
    ...shortName(`${path}.name`, name),
    ...(details.length > DETAILS_MAX ? [tooMany(path, details.length, DETAILS_MAX)] : []),
    ...Object.entries(attributes).flatMap(([key, value]) => [
      ...qualifiedName(`${path}.attributes`, key),
      ...attributeCauses(value, `${path}.attributes[${key}]`),
    ]),
    ...Object.keys(capacity).flatMap((key) => qualifiedName(`${path}.capacity`, key)),
    ...bounded(`${path}.taints`, taints, TAINTS_MAX, deviceTaint),
    ...(choosesPlace ? placeCauses(path, device, ["nodeName", "nodeSelector", "allNodes"]) : []),
  ];
}

function attributeCauses(attribute: DeviceAttribute, path: string): Causes {
  const given = givenOf(attribute, VALUES);
  if (given.length === 0) return [required(path, "exactly one value must be specified")];
  if (given.length > 1) return [invalid(path, attribute, "exactly one value must be specified")];
  const texts = [
    ...(attribute.strings ?? []),
    attribute.string ?? "",
    attribute.version ?? "",
    ...(attribute.versions ?? []),
  ];
  const wrong = [attribute.version ?? "0.0.0", ...(attribute.versions ?? [])].filter(
    (version) => !VERSION.test(version),
  );
  return [
    ...(texts.some((text) => text.length > TEXT_LENGTH_MAX)
      ? [tooLong(`${path}.${given[0]}`, TEXT_LENGTH_MAX)]
      : []),
    ...wrong.map((version) =>
      invalid(
        `${path}.${given[0]}`,
        version,
        "must be a string compatible with semver.org spec 2.0.0",
      ),
    ),
  ];
}

function counterSetCauses({ counters = {}, name }: CounterSet, path: string): Causes {
  const names = Object.keys(counters);
  return [
    ...shortName(`${path}.name`, name),
    ...(names.length === 0 ? [required(`${path}.counters`)] : []),
    ...(names.length > COUNTERS_MAX
      ? [tooMany(`${path}.counters`, names.length, COUNTERS_MAX)]
      : []),
    ...names.flatMap((each) => shortName(`${path}.counters`, each)),
  ];
}
