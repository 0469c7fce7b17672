import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node, Pod } from "#proto/core/v1";
import { refusal } from "./admit.ts";

const NODE = {
  metadata: { name: "n1", labels: { disk: "ssd" } },
  status: { allocatable: { cpu: "1", pods: "2" } },
} as unknown as Node;

function pod(spec: object = {}): Pod {
  return { metadata: { name: "p" }, spec: { containers: [], ...spec } } as unknown as Pod;
}

const wanting = (cpu: string) =>
  pod({ containers: [{ name: "c", resources: { requests: { cpu } } }] });

const CASES: readonly (readonly [string, Pod, readonly Pod[], string | undefined])[] = [
  ["a pod that fits", pod({ nodeSelector: { disk: "ssd" } }), [pod()], undefined],
  ["one for other nodes", pod({ nodeSelector: { disk: "hdd" } }), [], "NodeAffinity"],
  ["one too many", pod(), [pod(), pod()], "OutOfpods"],
  ["one for which too little is left", wanting("600m"), [wanting("500m")], "OutOfcpu"],
  [
    "one that claims devices",
    pod({ resourceClaims: [{ name: "gpu", resourceClaimName: "gpu" }] }),
    [],
    "UnexpectedAdmissionError",
  ],
];

for (const [what, given, others, expected] of CASES) {
  test(`refusal(): ${what}`, () => {
    assert.equal(refusal(given, others, NODE)?.reason, expected);
  });
}
