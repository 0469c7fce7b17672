import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "#lib/json";
import {
  csiDrivers,
  csiNodes,
  csiStorageCapacities,
  persistentVolumeClaims,
  persistentVolumes,
  type Resource,
  storageClasses,
  volumeAttachments,
  volumeAttributesClasses,
} from "#resources";
import { rules } from "../index.ts";
import { made, problems, updated } from "../testing.ts";

const NODE = {
  required: {
    nodeSelectorTerms: [
      { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: ["n1"] }] },
    ],
  },
};
const VOLUME = {
  capacity: { storage: "1Gi" },
  accessModes: ["ReadWriteOnce"],
  local: { path: "/data" },
  nodeAffinity: NODE,
};
const CLAIM = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };

const VOLUMES: readonly (readonly [string, JsonObject, readonly string[]])[] = [
  ["a local one", VOLUME, []],
  [
    "a local one for any node",
    { ...VOLUME, nodeAffinity: undefined as never },
    ["spec.nodeAffinity: Required value: Local volume requires node affinity"],
  ],
  [
    "one of nothing",
    { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"] },
    ["spec: Required value: must specify a volume type"],
  ],
  [
    "one of two things",
    { ...VOLUME, hostPath: { path: "/x" } },
    ["spec.local: Forbidden: may not specify more than 1 volume type"],
  ],
  [
    "one without a size, for nobody",
    { local: { path: "/x/../y" }, nodeAffinity: NODE },
    [
      "spec.accessModes: Required value: at least 1 access mode is required",
      "spec.capacity[storage]: Required value",
      `spec.local.path: Invalid value: "/x/../y": must not contain '..'`,
    ],
  ],
];

for (const [name, spec, expected] of VOLUMES) {
  test(`a PersistentVolume, ${name}`, () => {
    assert.deepEqual(problems(persistentVolumes, { spec }), expected);
  });
}

test("a PersistentVolume stays where it is", () => {
  const moved = { ...VOLUME, local: { path: "/other" } };
  assert.deepEqual(updated(persistentVolumes, { spec: VOLUME }, { spec: moved }), [
    "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation",
  ]);
  const claimed = { ...VOLUME, claimRef: { namespace: "d", name: "c" } };
  assert.deepEqual(updated(persistentVolumes, { spec: VOLUME }, { spec: claimed }), []);
});

test("a PersistentVolumeClaim says how much, and for whom", () => {
  const asked = (spec: JsonObject): readonly string[] => problems(persistentVolumeClaims, { spec });
  assert.deepEqual(asked(CLAIM), []);
  assert.deepEqual(asked({ ...CLAIM, accessModes: ["Often"] }), [
    'spec.accessModes[0]: Unsupported value: "Often": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
  ]);
  assert.deepEqual(asked({ ...CLAIM, accessModes: ["ReadWriteOncePod", "ReadOnlyMany"] }), [
    "spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes",
  ]);
  assert.deepEqual(asked({ ...CLAIM, resources: { requests: { storage: "0" } } }), [
    'spec.resources[storage]: Invalid value: "0": must be greater than zero',
  ]);
});

const LARGER = { ...CLAIM, resources: { requests: { storage: "2Gi" } } };
const UNKNOWN = { ...CLAIM, resources: { requests: { storage: "1Gi", storge: "1Mi" } } };
const REWORDED = { ...CLAIM, resources: { requests: { storage: "1024Mi" } } };
const CHANGES: readonly (readonly [string, JsonObject, JsonObject, string, number])[] = [
  ["is bound", CLAIM, { ...CLAIM, volumeName: "v" }, "Pending", 0],
  ["is bound elsewhere", { ...CLAIM, volumeName: "v" }, { ...CLAIM, volumeName: "w" }, "Bound", 1],
  ["gets a class", CLAIM, { ...CLAIM, storageClassName: "fast" }, "Pending", 0],
  ["grows", CLAIM, LARGER, "Bound", 0],
  ["grows before it is bound", CLAIM, LARGER, "Pending", 1],
  ["shrinks", LARGER, CLAIM, "Bound", 1],
  ["asks for something else too", CLAIM, UNKNOWN, "Bound", 1],
  ["says its size in other words", CLAIM, REWORDED, "Pending", 0],
  ["wants other modes", CLAIM, { ...CLAIM, accessModes: ["ReadOnlyMany"] }, "Bound", 1],
];

for (const [name, before, after, phase, count] of CHANGES) {
  test(`a PersistentVolumeClaim that ${name} is ${count === 0 ? "taken" : "refused"}`, () => {
    const old = { ...made(persistentVolumeClaims, { spec: before }), status: { phase } };
    const wanted = made(persistentVolumeClaims, { spec: after });
    const next = rules.prepareForUpdate(persistentVolumeClaims, wanted, old, undefined);
    const causes = rules.validateUpdate(persistentVolumeClaims, next, old, undefined);
    assert.equal(causes.length, count, JSON.stringify(causes));
  });
}

test("a StorageClass keeps how it makes volumes", () => {
  const old = { provisioner: "a.example/b", reclaimPolicy: "Delete" };
  assert.deepEqual(problems(storageClasses, old), []);
  assert.deepEqual(problems(storageClasses, { provisioner: "" }), ["provisioner: Required value"]);
  const fields = updated(storageClasses, old, { provisioner: "c", reclaimPolicy: "Retain" });
  assert.deepEqual(fields, [
    "provisioner: Forbidden: updates to provisioner are forbidden.",
    "reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.",
  ]);
  assert.deepEqual(updated(storageClasses, old, { ...old, allowVolumeExpansion: true }), []);
});

const driver = (spec: JsonObject) => ({ spec });
const node = (...drivers: readonly JsonObject[]) => ({ spec: { drivers } });
const attachment = (source: JsonObject) => ({
  spec: { attacher: "csi.example.com", nodeName: "n1", source },
});
const CSI_VOLUME = {
  capacity: { storage: "1Gi" },
  accessModes: ["ReadWriteOnce"],
  csi: { driver: "csi.example.com", volumeHandle: "v" },
};

/** What CSI's kinds may be, and what is said of what they may not. */
const CSI: readonly (readonly [Resource, JsonObject, ...(readonly string[])])[] = [
  [csiDrivers, driver({ tokenRequests: [{ audience: "" }, { audience: "a" }] })],
  [
    csiDrivers,
    driver({ fsGroupPolicy: "Always", volumeLifecycleModes: ["Persistent", "Brief"] }),
    'spec.fsGroupPolicy: Unsupported value: "Always": supported values: "File", "None", "ReadWriteOnceWithFSType"',
    'spec.volumeLifecycleModes: Unsupported value: "Brief": supported values: "Persistent", "Ephemeral"',
  ],
  [
    csiDrivers,
    driver({ tokenRequests: [{ audience: "a", expirationSeconds: 60 }, { audience: "a" }] }),
    "spec.tokenRequests[0].expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes",
    'spec.tokenRequests[1].audience: Duplicate value: "a"',
  ],
  [
    csiDrivers,
    driver({ nodeAllocatableUpdatePeriodSeconds: 9 }),
    "spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 9: must be greater than or equal to 10 seconds",
  ],
  [csiNodes, node()],
  [csiNodes, node({ name: "a.example", nodeID: "1", topologyKeys: ["topology.example/zone"] })],
  [
    csiNodes,
    node({ name: "a.example", nodeID: "1" }, { name: "a.example", nodeID: "" }),
    "spec.drivers[1].nodeID: Required value",
    'spec.drivers[1].name: Duplicate value: "a.example"',
  ],
  [
    csiNodes,
    node({ name: "a", nodeID: "1", allocatable: { count: -1 }, topologyKeys: ["z", "z"] }),
    "spec.drivers[0].allocatable.count: Invalid value: -1: must be greater than or equal to 0",
    'spec.drivers[0]: Duplicate value: "z"',
  ],
  [csiStorageCapacities, { storageClassName: "fast", capacity: "1Gi" }],
  [
    csiStorageCapacities,
    { storageClassName: "fast", capacity: "-1" },
    'capacity: Invalid value: "-1": must be greater than or equal to 0',
  ],
  [volumeAttachments, attachment({ persistentVolumeName: "v" })],
  [volumeAttachments, attachment({ inlineVolumeSpec: CSI_VOLUME })],
  [
    volumeAttachments,
    attachment({}),
    "spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName",
  ],
  [
    volumeAttachments,
    attachment({ inlineVolumeSpec: { ...CSI_VOLUME, csi: { driver: "d", volumeHandle: "" } } }),
    "spec.source.inlineVolumeSpec.csi.volumeHandle: Required value",
  ],
  [volumeAttributesClasses, { driverName: "csi.example.com", parameters: { iops: "1" } }],
  [
    volumeAttributesClasses,
    { driverName: "" },
    "driverName: Required value",
    "parameters: Required value: must contain at least one key/value pair",
  ],
];

for (const [resource, fields, ...expected] of CSI) {
  test(`${resource.kind} ${JSON.stringify(fields).slice(0, 90)}`, () => {
    assert.deepEqual(problems(resource, fields), expected);
  });
}

test("what CSI has acted on does not change", () => {
  const was = driver({ attachRequired: true });
  assert.deepEqual(updated(csiDrivers, was, driver({ attachRequired: false })), [
    "spec.attachedRequired: Invalid value: false: field is immutable",
  ]);
  assert.deepEqual(updated(csiDrivers, was, driver({ podInfoOnMount: true })), []);
  const one = { name: "a.example", nodeID: "1" };
  assert.deepEqual(updated(csiNodes, node(one), node({ ...one, allocatable: { count: 1 } })), []);
  assert.equal(updated(csiNodes, node(one), node({ ...one, nodeID: "2" })).length, 1);
  const [before, after] = ["v", "w"].map((name) => attachment({ persistentVolumeName: name }));
  assert.match(
    updated(volumeAttachments, before ?? {}, after ?? {})[0] ?? "",
    /^spec: Invalid value: .*: field is immutable$/,
  );
  const gold = { driverName: "d", parameters: { iops: "1" } };
  assert.deepEqual(updated(volumeAttributesClasses, gold, { ...gold, parameters: { iops: "2" } }), [
    "parameters: Forbidden: updates to parameters are forbidden.",
  ]);
});

test("a new driver is as Kubernetes takes one that says nothing", () => {
  assert.deepEqual(made(csiDrivers, driver({}))["spec"], {
    attachRequired: true,
    podInfoOnMount: false,
    volumeLifecycleModes: ["Persistent"],
    storageCapacity: false,
    fsGroupPolicy: "ReadWriteOnceWithFSType",
    requiresRepublish: false,
    seLinuxMount: false,
  });
});
