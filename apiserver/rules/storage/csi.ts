/** What CSI drivers tell the cluster of themselves. */
import { isDeepStrictEqual } from "node:util";
import { labelKeyProblem, subdomainProblem } from "#lib/api/names";
import { parseQuantity, tryParseQuantity } from "#lib/api/quantity";
import type { JsonObject } from "#lib/json";
import type { CSIDriver, CSINode, CSIStorageCapacity, TokenRequest } from "#proto/storage/v1";
import { type Causes, duplicate, invalid, required, unsupported } from "../causes.ts";
import { atLeast, labelSelector, named, oneOf, repeats } from "../checks.ts";
import { type KindRules, specOf } from "../kind-rules.ts";

type Driver = NonNullable<CSINode["spec"]["drivers"]>[number];

const MODES = ["Persistent", "Ephemeral"];
const GROUP_POLICIES = ["File", "None", "ReadWriteOnceWithFSType"];
/** Kubernetes' bounds. */
const UPDATE_SECONDS_MIN = 10;
const TOKEN_SECONDS_MIN = 600;
const TOKEN_SECONDS_MAX = 2 ** 32;
const DRIVER_NAME_LENGTH_MAX = 63;
const NODE_ID_LENGTH_MAX = 256;
const NOTHING = parseQuantity("0");
const IMMUTABLE = "field is immutable";

export const csiDriverRules: KindRules = {
  nameRule: "subdomain",
  validate(object) {
    const { spec } = object as unknown as CSIDriver;
    const period = spec.nodeAllocatableUpdatePeriodSeconds;
    return [
      ...oneOf("spec.fsGroupPolicy", spec.fsGroupPolicy, GROUP_POLICIES),
      ...tokenCauses(spec.tokenRequests ?? []),
      ...(spec.volumeLifecycleModes ?? []).flatMap((mode) =>
        MODES.includes(mode) ? [] : [unsupported("spec.volumeLifecycleModes", mode, MODES)],
      ),
      ...(period === undefined || Number(period) >= UPDATE_SECONDS_MIN
        ? []
        : [
            invalid(
              "spec.nodeAllocatableUpdatePeriodSeconds",
              period,
              `must be greater than or equal to ${UPDATE_SECONDS_MIN} seconds`,
            ),
          ]),
    ];
  },
  validateUpdate: (object, old) =>
    // The first one's name is Kubernetes' own slip.
    immutable(specOf(object), specOf(old), [
      ["attachRequired", "spec.attachedRequired"],
      ["volumeLifecycleModes", "spec.volumeLifecycleModes"],
    ]),
};

export const csiNodeRules: KindRules = {
  nameRule: "subdomain",
  validate(object) {
    const drivers = driversOf(object);
    const isTwice = repeats(drivers.map(({ name }) => name));
    return drivers.flatMap((driver, at) => [
      ...driverCauses(`spec.drivers[${at}]`, driver),
      ...(isTwice[at] ? [duplicate(`spec.drivers[${at}].name`, driver.name)] : []),
    ]);
  },
  /** How many volumes the node takes may change, and which drivers there are. */
  validateUpdate(object, old) {
    const before = new Map(driversOf(old).map((driver) => [driver.name, driver]));
    return driversOf(object).flatMap((driver) => {
      const was = before.get(driver.name);
      const isSame =
        was === undefined ||
        isDeepStrictEqual({ ...driver, allocatable: null }, { ...was, allocatable: null });
      return isSame ? [] : [invalid("spec.drivers", driver, IMMUTABLE)];
    });
  },
};

export const csiStorageCapacityRules: KindRules = {
  nameRule: "subdomain",
  validate(object) {
    const { capacity, nodeTopology, storageClassName } = object as unknown as CSIStorageCapacity;
    const problem = subdomainProblem(storageClassName);
    const isNegative = (tryParseQuantity(capacity ?? "0")?.compare(NOTHING) ?? 0) < 0;
    return [
      ...labelSelector(nodeTopology, "nodeTopology"),
      ...(problem === undefined ? [] : [invalid("storageClassName", storageClassName, problem)]),
      ...(isNegative ? [invalid("capacity", capacity, "must be greater than or equal to 0")] : []),
    ];
  },
  validateUpdate: (object, old) =>
    immutable(object, old, [
      ["nodeTopology", "nodeTopology"],
      ["storageClassName", "storageClassName"],
    ]),
};

/** The name of a CSI driver, wherever it is given. */
export function driverName(path: string, name: string): Causes {
  if (name === "") return [required(path)];
  const problem = subdomainProblem(name.toLowerCase());
  return [
    ...(name.length > DRIVER_NAME_LENGTH_MAX ? [tooLong(path, DRIVER_NAME_LENGTH_MAX)] : []),
    ...(problem === undefined ? [] : [invalid(path, name, problem)]),
  ];
}

export function tooLong(field: string, lengthMax: number): Causes[number] {
  const message = `Too long: may not be more than ${lengthMax} bytes`;
  return { reason: "FieldValueTooLong", field, message };
}

function tokenCauses(requests: readonly TokenRequest[]): Causes {
  const isTwice = repeats(requests.map(({ audience = "" }) => audience));
  return requests.flatMap(({ audience = "", expirationSeconds }, at) => {
    const path = `spec.tokenRequests[${at}]`;
    if (isTwice[at]) return [duplicate(`${path}.audience`, audience)];
    const seconds = Number(expirationSeconds ?? TOKEN_SECONDS_MIN);
    const field = `${path}.expirationSeconds`;
    return [
      ...(seconds < TOKEN_SECONDS_MIN
        ? [invalid(field, seconds, "may not specify a duration less than 10 minutes")]
        : []),
      ...(seconds > TOKEN_SECONDS_MAX
        ? [invalid(field, seconds, "may not specify a duration larger than 2^32 seconds")]
        : []),
    ];
  });
}

function driversOf(object: JsonObject): readonly Driver[] {
  return (object as unknown as CSINode).spec?.drivers ?? [];
}

function driverCauses(path: string, driver: Driver): Causes {
  const { allocatable, name = "", nodeID = "", topologyKeys } = driver;
  const keys = topologyKeys ?? [];
  const isTwice = repeats(keys);
  const tooLongId = `must be ${NODE_ID_LENGTH_MAX} characters or less`;
  return [
    ...driverName(`${path}.name`, name),
    ...(nodeID === "" ? [required(`${path}.nodeID`)] : []),
    ...(nodeID.length > NODE_ID_LENGTH_MAX ? [invalid(`${path}.nodeID`, nodeID, tooLongId)] : []),
    ...atLeast(`${path}.allocatable.count`, allocatable?.count, 0),
    ...keys.flatMap((key, at) => [
      ...(key === "" ? [required(path)] : []),
      ...(isTwice[at] ? [duplicate(path, key)] : []),
      ...named(path, key, labelKeyProblem),
    ]),
  ];
}

function immutable(
  now: JsonObject,
  before: JsonObject,
  fields: readonly (readonly [string, string])[],
): Causes {
  return fields.flatMap(([field, path]) =>
    isDeepStrictEqual(now[field], before[field]) ? [] : [invalid(path, now[field], IMMUTABLE)],
  );
}
