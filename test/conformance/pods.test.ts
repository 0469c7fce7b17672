/** What Kubernetes' conformance asks of a node, by capability: each row is a pod, what it says, and how it ends. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import { BUSYBOX, busyboxImage } from "../harness/images.ts";
import type { Kubectl } from "../harness/kubectl.ts";
import { until } from "../harness/until.ts";
import { type Case, mount, volume } from "./pod-case.ts";
import { POD_CASES } from "./pod-cases.ts";
import { VOLUME_CASES } from "./volume-cases.ts";

const TIMEOUT = { timeout: 120_000 };
const END_MS_MAX = 90_000;

let cluster: TestCluster;
let k: Kubectl;

const CASES: readonly Case[] = [...POD_CASES, ...VOLUME_CASES];

before(async () => {
  cluster = await startCluster({ nodes: 1, images: [await busyboxImage()] });
  k = cluster.kubectl;
  await k.ok(["create", "configmap", "words", "--from-literal=a=1", "--from-literal=b=2"]);
  await k.ok(["create", "secret", "generic", "hidden", "--from-literal=a=geheim"]);
  const items = CASES.map(podOf);
  await k.ok(["create", "-f", "-"], {
    input: JSON.stringify({ apiVersion: "v1", kind: "List", items }),
  });
}, TIMEOUT);

after(() => cluster?.[Symbol.asyncDispose](), TIMEOUT);

function podOf({ container, metadata, spec }: Case, at: number): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...metadata, name: `pod-${at}` },
    spec: {
      restartPolicy: "Never",
      ...spec,
      containers: [{ name: "c", image: BUSYBOX, ...container }],
    },
  };
}

for (const [at, { has, name, phase = "Succeeded", says }] of CASES.entries())
  test(name, TIMEOUT, async () => {
    const pod = `pod-${at}`;
    const value = (path: string) => k.ok(["get", "pod", pod, `-o=jsonpath=${path}`]);
    await until(`${pod} to be ${phase}`, END_MS_MAX, async () => {
      const now = await value("{.status.phase}");
      if (now !== phase) throw new Error(`it is ${now}: ${await value("{.status}")}`);
      return has === undefined || phase !== "Running" || has[1].test(await value(has[0]));
    });
    if (has !== undefined) assert.match(await value(has[0]), has[1]);
    if (says !== undefined) assert.match(await k.ok(["logs", pod]), says);
  });

test(
  "what cannot be is refused: an unsafe sysctl, an absolute subPath, a path upwards",
  TIMEOUT,
  async () => {
    const wrong: readonly (readonly [Partial<Case>, RegExp])[] = [
      [
        { spec: { securityContext: { sysctls: [{ name: "foo-", value: "1" }] } } },
        /must have at most|sysctls\[0\]\.name: Invalid value/,
      ],
      [
        { container: mount("/d", { subPath: "/abs" }), spec: volume({ emptyDir: {} }) },
        /must be a relative path/,
      ],
      [
        { container: mount("/d", { subPath: "../up" }), spec: volume({ emptyDir: {} }) },
        /must not contain '\.\.'/,
      ],
    ];
    for (const [given, why] of wrong) {
      const pod = podOf({ name: "", container: {}, ...given }, 9999);
      const { code, stderr } = await k.run(["create", "--dry-run=server", "-f", "-"], {
        input: JSON.stringify(pod),
      });
      assert.equal(code, 1);
      assert.match(stderr, why);
    }
  },
);
