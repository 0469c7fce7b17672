import assert from "node:assert/strict";
import { test } from "node:test";
import type { Random } from "#lib/random";
import type { Pod } from "#proto/core/v1";
import { defaultProfile } from "../profile.ts";
import { podInfo } from "../snapshot/pod-info.ts";
import { Snapshot } from "../snapshot/snapshot.ts";
import { NO_VOLUMES, type NodeSketch, node, type PodSketch, pod } from "../testing/objects.ts";
import { decide } from "./decide.ts";

const PROFILE = defaultProfile(NO_VOLUMES);

const FIRST: Random = { fraction: () => 0.999, bytes: (length) => new Uint8Array(length) };

interface Case {
  readonly name: string;
  readonly nodes: Readonly<Record<string, NodeSketch>>;
  readonly placed?: readonly PodSketch[];
  readonly pod: PodSketch;
  /** A node's name, or what the refusal says. */
  readonly expect: string | RegExp;
}

const affinity = (kind: "podAffinity" | "podAntiAffinity", app: string, topologyKey: string) => ({
  affinity: {
    [kind]: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { labelSelector: { matchLabels: { app } }, topologyKey },
      ],
    },
  },
});

const spread = (maxSkew: number, topologyKey: string) => ({
  topologySpreadConstraints: [
    {
      maxSkew,
      topologyKey,
      whenUnsatisfiable: "DoNotSchedule" as const,
      labelSelector: { matchLabels: { app: "web" } },
    },
  ],
});

const CASES: readonly Case[] = [
  { name: "says that there are no nodes", nodes: {}, pod: {}, expect: /^no nodes available/ },
  {
    name: "runs no pod without the devices that it claims",
    nodes: { a: {} },
    pod: { spec: { resourceClaims: [{ name: "gpu", resourceClaimName: "gpu" }] } },
    expect: /1 node\(s\) cannot allocate the pod's resource claims/,
  },
  {
    name: "takes the emptier node",
    nodes: { a: {}, b: {} },
    placed: [{ nodeName: "a", cpu: "2" }],
    pod: { cpu: "1" },
    expect: "b",
  },
  {
    name: "gives the numbers of what is short",
    nodes: { a: { cpu: "1" }, b: { cpu: "500m" } },
    placed: [{ nodeName: "a", cpu: "880m" }],
    pod: { cpu: "700m" },
    expect: "0/2 nodes are available: 2 Insufficient cpu (need 700m, free 120m, 500m).",
  },
  {
    name: "counts places for pods",
    nodes: { a: { pods: "1" } },
    placed: [{ nodeName: "a" }],
    pod: {},
    expect: /1 Too many pods/,
  },
  {
    name: "knows extended resources",
    nodes: { a: {}, b: { extended: { "example.com/gpu": "1" } } },
    pod: { extended: { "example.com/gpu": "1" } },
    expect: "b",
  },
  {
    name: "names a resource that no node has",
    nodes: { a: {} },
    pod: { extended: { "example.com/gpu": "1" } },
    expect: /1 Insufficient example.com\/gpu \(need 1, free 0\)/,
  },
  {
    name: "keeps off tainted nodes",
    nodes: { a: { taints: [{ key: "k", value: "v", effect: "NoSchedule" }] } },
    pod: {},
    expect: /1 node\(s\) had untolerated taint \{k: v\}/,
  },
  {
    name: "lets a toleration through",
    nodes: { a: { taints: [{ key: "k", value: "v", effect: "NoSchedule" }] } },
    pod: { spec: { tolerations: [{ key: "k", operator: "Exists" }] } },
    expect: "a",
  },
  {
    name: "keeps off cordoned nodes",
    nodes: { a: { unschedulable: true }, b: {} },
    pod: {},
    expect: "b",
  },
  {
    name: "follows the node selector",
    nodes: { a: { labels: { disk: "hdd" } }, b: { labels: { disk: "ssd" } } },
    pod: { spec: { nodeSelector: { disk: "ssd" } } },
    expect: "b",
  },
  {
    name: "follows required node affinity by field",
    nodes: { a: {}, b: {} },
    pod: {
      spec: {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [
                { matchFields: [{ key: "metadata.name", operator: "In", values: ["a"] }] },
              ],
            },
          },
        },
      },
    },
    expect: "a",
  },
  {
    name: "keeps two pods from one host port",
    nodes: { a: {} },
    placed: [
      {
        nodeName: "a",
        spec: {
          containers: [
            { name: "c", image: "i", resources: {}, ports: [{ containerPort: 1, hostPort: 80 }] },
          ],
        },
      },
    ],
    pod: {
      spec: {
        containers: [
          { name: "c", image: "i", resources: {}, ports: [{ containerPort: 2, hostPort: 80 }] },
        ],
      },
    },
    expect: /free ports/,
  },
  {
    name: "keeps pods with anti-affinity apart",
    nodes: { a: {}, b: {} },
    placed: [{ nodeName: "a", labels: { app: "web" } }],
    pod: {
      labels: { app: "web" },
      spec: affinity("podAntiAffinity", "web", "kubernetes.io/hostname"),
    },
    expect: "b",
  },
  {
    name: "respects the anti-affinity of pods that are there",
    nodes: { a: {} },
    placed: [{ nodeName: "a", spec: affinity("podAntiAffinity", "web", "kubernetes.io/hostname") }],
    pod: { labels: { app: "web" } },
    expect: /existing pods anti-affinity/,
  },
  {
    name: "puts pods near those they want",
    nodes: { a: { labels: { zone: "1" } }, b: { labels: { zone: "2" } } },
    placed: [{ nodeName: "b", labels: { app: "db" } }],
    pod: { spec: affinity("podAffinity", "db", "zone") },
    expect: "b",
  },
  {
    name: "lets the first of a group that wants itself go anywhere",
    nodes: { a: { labels: { zone: "1" } } },
    pod: { labels: { app: "web" }, spec: affinity("podAffinity", "web", "zone") },
    expect: "a",
  },
  {
    name: "does not let a stranger go first",
    nodes: { a: { labels: { zone: "1" } } },
    pod: { labels: { app: "x" }, spec: affinity("podAffinity", "web", "zone") },
    expect: /didn't match pod affinity rules/,
  },
  {
    name: "spreads over zones",
    nodes: { a: { labels: { zone: "1" } }, b: { labels: { zone: "2" }, cpu: "2" } },
    placed: [{ nodeName: "a", labels: { app: "web" } }],
    pod: { labels: { app: "web" }, spec: spread(1, "zone") },
    expect: "b",
  },
  {
    name: "refuses a skew that is too large",
    nodes: { a: { labels: { zone: "1" } }, b: { labels: { zone: "2" }, unschedulable: true } },
    placed: [{ nodeName: "a", labels: { app: "web" } }],
    pod: { labels: { app: "web" }, spec: spread(1, "zone") },
    expect: /topology spread/,
  },
];

for (const each of CASES) {
  test(`decide() ${each.name}`, () => {
    const snapshot = new Snapshot();
    for (const [name, sketch] of Object.entries(each.nodes)) snapshot.setNode(node(name, sketch));
    for (const [at, sketch] of (each.placed ?? []).entries()) {
      const placed: Pod = pod(`placed-${at}`, sketch);
      snapshot.addPod(podInfo(placed), placed.spec.nodeName ?? "");
    }
    const decision = decide(PROFILE, podInfo(pod("new", each.pod)), snapshot, FIRST);
    const outcome = decision.ok ? decision.nodeName : decision.message;
    if (typeof each.expect === "string") assert.equal(outcome, each.expect);
    else assert.match(outcome, each.expect);
  });
}
