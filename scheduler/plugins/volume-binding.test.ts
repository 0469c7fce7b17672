import assert from "node:assert/strict";
import { test } from "node:test";
import type { PersistentVolume, PersistentVolumeClaim } from "#proto/core/v1";
import type { StorageClass } from "#proto/storage/v1";
import { decide } from "../cycle/decide.ts";
import { defaultProfile } from "../profile.ts";
import { podInfo } from "../snapshot/pod-info.ts";
import { Snapshot } from "../snapshot/snapshot.ts";
import { node, pod } from "../testing/objects.ts";

const RANDOM = { fraction: () => 0.999, bytes: (length: number) => new Uint8Array(length) };
const ZONE_2 = {
  required: {
    nodeSelectorTerms: [{ matchExpressions: [{ key: "zone", operator: "In", values: ["2"] }] }],
  },
};

interface Sketch {
  readonly spec?: object;
  readonly phase?: string;
  readonly deletionTimestamp?: string;
}

/** Where a pod with the claim `data` goes; two nodes, one in each zone. */
function placed(claim: Sketch | undefined, volume?: object): string {
  const snapshot = new Snapshot();
  for (const zone of ["1", "2"]) snapshot.setNode(node(`n${zone}`, { labels: { zone } }));
  const profile = defaultProfile({
    claim: (key) =>
      claim === undefined || key !== "default/data"
        ? undefined
        : ({
            metadata: { name: "data", deletionTimestamp: claim.deletionTimestamp },
            spec: claim.spec ?? {},
            status: { phase: claim.phase ?? "Pending" },
          } as unknown as PersistentVolumeClaim),
    volume: () => volume as PersistentVolume | undefined,
    storageClass: (name) =>
      ({
        volumeBindingMode: name === "late" ? "WaitForFirstConsumer" : "Immediate",
      }) as unknown as StorageClass,
  });
  const volumes = [{ name: "v", persistentVolumeClaim: { claimName: "data" } }];
  const decision = decide(profile, podInfo(pod("p", { spec: { volumes } })), snapshot, RANDOM);
  return decision.ok ? decision.nodeName : decision.message;
}

const NAMED = { spec: { volumeName: "pv" }, phase: "Bound" };
const CASES: readonly (readonly [string, string, RegExp])[] = [
  ["goes where its volume is", placed(NAMED, { spec: { nodeAffinity: ZONE_2 } }), /^n2$/],
  ["goes anywhere with a volume that is everywhere", placed(NAMED, { spec: {} }), /^n[12]$/],
  [
    "goes anywhere when its volume follows it",
    placed({ spec: { storageClassName: "late" } }),
    /^n[12]$/,
  ],
  [
    "waits for a claim that is not there",
    placed(undefined),
    /persistentvolumeclaim "data" not found/,
  ],
  [
    "waits for a claim that is being bound",
    placed({ spec: { storageClassName: "now" } }),
    /pod has unbound immediate PersistentVolumeClaims/,
  ],
  [
    "does not start on a claim that goes",
    placed({ ...NAMED, deletionTimestamp: "2026-01-01T00:00:00Z" }, { spec: {} }),
    /is being deleted/,
  ],
  ["does not start on a lost claim", placed({ ...NAMED, phase: "Lost" }), /bound to non-existent/],
  ["waits for a volume that is not seen yet", placed(NAMED), /persistentvolume "pv" not found/],
];

for (const [name, outcome, expected] of CASES) {
  test(`a pod with a claim ${name}`, () => assert.match(outcome, expected));
}
