import assert from "node:assert/strict";
import { test } from "node:test";
import { statefulSets } from "#resources";
import { made, problems, updated } from "../testing.ts";

const TEMPLATE = {
  metadata: { labels: { app: "a" } },
  spec: { containers: [{ name: "c", image: "i" }] },
};
const SPEC = { selector: { matchLabels: { app: "a" } }, serviceName: "a", template: TEMPLATE };

test("a StatefulSet gets Kubernetes' defaults", () => {
  const { spec, status } = made(statefulSets, { spec: SPEC }) as never as Record<
    string,
    Record<string, unknown>
  >;
  assert.equal(spec?.["replicas"], 1);
  assert.equal(spec?.["podManagementPolicy"], "OrderedReady");
  assert.equal(spec?.["revisionHistoryLimit"], 10);
  assert.deepEqual(spec?.["updateStrategy"], {
    type: "RollingUpdate",
    rollingUpdate: { partition: 0 },
  });
  const retention = { whenDeleted: "Retain", whenScaled: "Retain" };
  assert.deepEqual(spec?.["persistentVolumeClaimRetentionPolicy"], retention);
  assert.deepEqual(status, { replicas: 0, availableReplicas: 0 });
});

const rolling = (rollingUpdate: object) => ({ updateStrategy: { rollingUpdate } });

const CASES: readonly (readonly [object, RegExp | undefined])[] = [
  [{}, undefined],
  [{ updateStrategy: { type: "OnDelete" } }, undefined],
  [{ ordinals: { start: 3 }, ...rolling({ partition: 2, maxUnavailable: "20%" }) }, undefined],
  [{ podManagementPolicy: "Some" }, /^spec.podManagementPolicy: Unsupported value: "Some"/],
  [{ updateStrategy: { type: "Some" } }, /^spec.updateStrategy.type: Unsupported value: "Some"/],
  [
    { updateStrategy: { type: "OnDelete", rollingUpdate: { partition: 1 } } },
    /only allowed for updateStrategy 'RollingUpdate'/,
  ],
  [rolling({ partition: -1 }), /partition: .*greater than or equal to 0/],
  [rolling({ maxUnavailable: 0 }), /maxUnavailable: .*cannot be 0/],
  [rolling({ maxUnavailable: "0%" }), /maxUnavailable: .*cannot be 0/],
  [{ ordinals: { start: -1 } }, /^spec.ordinals.start: .*greater than or equal to 0/],
  [{ replicas: -1 }, /^spec.replicas: .*greater than or equal to 0/],
  [{ selector: { matchLabels: { app: "b" } } }, /`selector` does not match template `labels`/],
  [
    { persistentVolumeClaimRetentionPolicy: { whenScaled: "Keep" } },
    /whenScaled: Unsupported value: "Keep"/,
  ],
  [
    { template: { ...TEMPLATE, spec: { ...TEMPLATE.spec, activeDeadlineSeconds: 5 } } },
    /activeDeadlineSeconds in StatefulSet is not Supported/,
  ],
];

for (const [change, expected] of CASES) {
  test(`a StatefulSet is ${expected === undefined ? "well" : `refused for ${expected.source}`} with ${JSON.stringify(change)}`, () => {
    const found = problems(statefulSets, { spec: { ...SPEC, ...change } } as never).join("; ");
    if (expected === undefined) assert.equal(found, "");
    else assert.match(found, expected);
  });
}

test("of a StatefulSet only some fields may change", () => {
  const change = (fields: object): string =>
    updated(statefulSets, { spec: SPEC }, { spec: { ...SPEC, ...fields } } as never).join();
  assert.equal(change({ replicas: 5, minReadySeconds: 3, ordinals: { start: 1 } }), "");
  const fields =
    "'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds'";
  const expected = `spec: Forbidden: updates to statefulset spec for fields other than ${fields} are forbidden`;
  assert.equal(change({ serviceName: "b" }), expected);
  assert.equal(change({ podManagementPolicy: "Parallel" }), expected);
});
