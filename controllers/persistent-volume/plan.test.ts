import assert from "node:assert/strict";
import { test } from "node:test";
import type { PersistentVolume, PersistentVolumeClaim } from "#proto/core/v1";
import type { StorageClass } from "#proto/storage/v1";
import { localVolume } from "./local-path.ts";
import { type ClaimView, planClaim } from "./plan-claim.ts";
import { planVolume } from "./plan-volume.ts";

const UID = "uid-c";
const NODE = { name: "n1", labels: { "kubernetes.io/hostname": "n1" } };
const LOCAL = {
  metadata: { name: "local-path" },
  provisioner: "naru.dev/local-path",
  volumeBindingMode: "WaitForFirstConsumer",
} as unknown as StorageClass;

function claim(spec: object = {}, metadata: object = {}): PersistentVolumeClaim {
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: "c", namespace: "d", uid: UID, ...metadata },
    spec: {
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: "1Gi" } },
      storageClassName: "",
      ...spec,
    },
    status: {},
  } as unknown as PersistentVolumeClaim;
}

function volume(name: string, spec: object = {}, more: object = {}): PersistentVolume {
  return {
    metadata: { name },
    spec: {
      capacity: { storage: "1Gi" },
      accessModes: ["ReadWriteOnce", "ReadOnlyMany"],
      hostPath: { path: "/x" },
      ...spec,
    },
    status: { phase: "Available" },
    ...more,
  } as unknown as PersistentVolume;
}

function plan(view: Partial<ClaimView>): string {
  const full = { claim: claim(), volumes: [], storageClass: undefined, node: undefined, ...view };
  const found = planClaim(full);
  if (found.do === "bind") return `bind ${found.volume.metadata.name}`;
  if (found.do === "provision") return `provision on ${found.node}`;
  return found.do === "wait" ? `${found.reason}: ${found.message}` : found.do;
}

const REF = { namespace: "d", name: "c" };
const ON = (node: string) => ({
  nodeAffinity: {
    required: {
      nodeSelectorTerms: [
        { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [node] }] },
      ],
    },
  },
});
const WANTS_LOCAL = { storageClassName: "local-path" };
const BOUND = { annotations: { "pv.kubernetes.io/bind-completed": "yes" } };

const CLAIMS: readonly (readonly [string, Partial<ClaimView>, string])[] = [
  [
    "the smallest that is large enough",
    {
      volumes: [
        volume("big", { capacity: { storage: "5Gi" } }),
        volume("small", { capacity: { storage: "500Mi" } }),
        volume("right", { capacity: { storage: "2Gi" } }),
      ],
    },
    "bind right",
  ],
  [
    "one that is kept for it before a smaller one",
    { volumes: [volume("a"), volume("kept", { capacity: { storage: "9Gi" }, claimRef: REF })] },
    "bind kept",
  ],
  [
    "none that was kept for an earlier claim of its name",
    { volumes: [volume("a", { claimRef: { ...REF, uid: "other" } })] },
    "FailedBinding: no persistent volumes available for this claim and no storage class is set",
  ],
  [
    "none of another class, mode or access",
    {
      volumes: [
        volume("a", { storageClassName: "fast" }),
        volume("b", { volumeMode: "Block" }),
        volume("c", { accessModes: ["ReadOnlyMany"] }),
        volume("d", {}, { status: { phase: "Released" } }),
        volume("e", {}, { metadata: { name: "e", deletionTimestamp: "2026-01-01T00:00:00Z" } }),
      ],
    },
    "FailedBinding: no persistent volumes available for this claim and no storage class is set",
  ],
  [
    "by labels, when it asks for some",
    {
      claim: claim({ selector: { matchLabels: { a: "b" } } }),
      volumes: [volume("a"), volume("b", {}, { metadata: { name: "b", labels: { a: "b" } } })],
    },
    "bind b",
  ],
  [
    "nothing before its pod has a node",
    { claim: claim(WANTS_LOCAL), storageClass: LOCAL },
    "WaitForFirstConsumer: waiting for first consumer to be created before binding",
  ],
  [
    "a new one on its pod's node",
    { claim: claim(WANTS_LOCAL), storageClass: LOCAL, node: NODE },
    "provision on n1",
  ],
  [
    "one that is there and can be reached from that node",
    {
      claim: claim(WANTS_LOCAL),
      storageClass: LOCAL,
      node: NODE,
      volumes: [
        volume("far", { ...WANTS_LOCAL, ...ON("n2") }),
        volume("near", { ...WANTS_LOCAL, ...ON("n1") }),
      ],
    },
    "bind near",
  ],
  [
    "none from a class that is not there",
    { claim: claim({ storageClassName: "nope" }) },
    'ProvisioningFailed: storageclass.storage.k8s.io "nope" not found',
  ],
  [
    "one from a provisioner outside",
    {
      claim: claim({ storageClassName: "far" }),
      storageClass: { ...LOCAL, provisioner: "x.example/y", volumeBindingMode: "Immediate" },
    },
    "ask",
  ],
  [
    "none for many nodes from a directory of one",
    {
      claim: claim({ ...WANTS_LOCAL, accessModes: ["ReadWriteMany"] }),
      storageClass: LOCAL,
      node: NODE,
    },
    "ProvisioningFailed: naru.dev/local-path volumes are on one node and cannot be ReadWriteMany; ask for ReadWriteOnce or ReadWriteOncePod",
  ],
  [
    "the one that it names",
    { claim: claim({ volumeName: "b" }), volumes: [volume("a"), volume("b")] },
    "bind b",
  ],
  [
    "not one that it names and another claim has",
    {
      claim: claim({ volumeName: "b" }),
      volumes: [volume("b", { claimRef: { ...REF, name: "other" } })],
    },
    'FailedBinding: volume "b" already bound to a different claim.',
  ],
  [
    "nothing any more when its volume is gone",
    { claim: claim({ volumeName: "b" }, BOUND) },
    "lose",
  ],
  [
    "nothing while it is being deleted",
    { claim: claim({}, { deletionTimestamp: "2026-01-01T00:00:00Z" }), volumes: [volume("a")] },
    "nothing",
  ],
];

for (const [name, view, expected] of CLAIMS) {
  test(`a claim gets ${name}`, () => assert.equal(plan(view), expected));
}

const OURS = { "pv.kubernetes.io/provisioned-by": "naru.dev/local-path" };
const BY_US = { "pv.kubernetes.io/bound-by-controller": "yes" };
const MINE = { ...REF, uid: UID };

function fate(
  spec: object,
  own: PersistentVolumeClaim | undefined,
  metadata: object = {},
  hasNode = true,
): string {
  const each = volume("v", spec, { metadata: { name: "v", ...metadata } });
  const { next, phase } = planVolume({ volume: each, claim: own, hasNode });
  return next === undefined ? phase : `${phase}, ${next}`;
}

const DELETED = { deletionTimestamp: "2026-01-01T00:00:00Z", annotations: OURS };
const DELETE = { persistentVolumeReclaimPolicy: "Delete", claimRef: MINE };
const FATES: readonly (readonly [string, string, string])[] = [
  ["one without a claim", fate({}, undefined), "Available"],
  ["one that is kept for a claim to come", fate({ claimRef: REF }, undefined), "Available"],
  ["one that its claim names", fate({ claimRef: MINE }, claim({ volumeName: "v" })), "Bound"],
  ["one on its way to a claim", fate({ claimRef: MINE }, claim()), "Available"],
  ["one whose claim is gone", fate({ claimRef: MINE }, undefined), "Released"],
  [
    "one of ours that goes with its claim",
    fate(DELETE, undefined, { annotations: OURS }),
    "Released, delete",
  ],
  ["one that nobody here can delete", fate(DELETE, undefined), "Failed"],
  [
    "one of a driver outside",
    fate({ ...DELETE, hostPath: undefined, csi: { driver: "x", volumeHandle: "y" } }, undefined),
    "Released",
  ],
  [
    "one whose claim took another",
    fate({ claimRef: MINE }, claim({ volumeName: "w" }), { annotations: BY_US }),
    "Available, unbind",
  ],
  [
    "one of ours whose claim took another",
    fate({ claimRef: MINE }, claim({ volumeName: "w" }), { annotations: { ...OURS, ...BY_US } }),
    "Available, delete",
  ],
  ["a deleted one, whose agent removes the data", fate(DELETE, undefined, DELETED), "Released"],
  [
    "a deleted one whose node is gone",
    fate(DELETE, undefined, DELETED, false),
    "Released, forgetData",
  ],
];

for (const [name, found, expected] of FATES) {
  test(`a volume: ${name}`, () => assert.equal(found, expected));
}

test("a local volume is for its claim, on its node", () => {
  const { metadata, spec } = localVolume(claim(WANTS_LOCAL), LOCAL, "n1");
  assert.equal(metadata?.name, `pvc-${UID}`);
  assert.equal(spec?.claimRef?.uid, UID);
  assert.equal(spec?.persistentVolumeReclaimPolicy, "Delete");
  assert.deepEqual(spec?.nodeAffinity, ON("n1").nodeAffinity);
});
