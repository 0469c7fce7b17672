import assert from "node:assert/strict";
import { test } from "node:test";
import { qosClass } from "#lib/api/pod-resources";
import type { JsonObject } from "#lib/json";
import type { Pod } from "#proto/core/v1";
import { pods } from "#resources";
import { rules } from "../index.ts";
import { made, problems as problemsOfNew } from "../testing.ts";

type Texts = Readonly<Record<string, string>>;

const of = (requests: Texts, limits: Texts): JsonObject => ({ requests, limits });
const SIDE = { name: "side", image: "log:1", restartPolicy: "Always" };
const FIRST = { name: "first", image: "init:1" };

/** As `main: resources` says, beside what else there is. */
function pod(main: JsonObject, more: JsonObject = {}, spec: JsonObject = {}): JsonObject {
  return made(pods, {
    spec: { containers: [{ name: "main", image: "web:1", resources: main, ...more }], ...spec },
  });
}

function resized(
  before: JsonObject,
  after: JsonObject,
): { next: JsonObject; says: readonly string[] } {
  const next = rules.prepareForUpdate(pods, after, before, "resize");
  const causes = rules.validateUpdate(pods, next, before, "resize");
  return { next, says: causes.map(({ field, message }) => `${field}: ${message}`) };
}

const HALF = of({ cpu: "500m", memory: "1Gi" }, { cpu: "1", memory: "2Gi" });
const MORE = of({ cpu: "700m", memory: "1Gi" }, { cpu: "2", memory: "2Gi" });

const CASES: readonly {
  readonly name: string;
  readonly before?: JsonObject;
  readonly after: JsonObject;
  readonly says: readonly string[];
}[] = [
  { name: "more CPU", after: pod(MORE), says: [] },
  {
    name: "less memory",
    after: pod(of({ cpu: "500m", memory: "1Gi" }, { cpu: "1", memory: "1Gi" })),
    says: [],
  },
  {
    name: "a limit that was not there",
    before: pod(of({ cpu: "1" }, {})),
    after: pod(of({ cpu: "1" }, { cpu: "2" })),
    says: [],
  },
  {
    name: "a request taken back",
    after: pod(of({ memory: "1Gi" }, { memory: "2Gi" })),
    says: [
      "spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed",
      "spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed",
    ],
  },
  {
    name: "more than the limit",
    after: pod(of({ cpu: "3", memory: "1Gi" }, { cpu: "1", memory: "2Gi" })),
    says: [
      'spec.containers[0].resources.requests: Invalid value: "3": must be less than or equal to cpu limit of 1',
    ],
  },
  {
    name: "another QoS class",
    after: pod(of({ cpu: "1", memory: "1Gi" }, { cpu: "1", memory: "1Gi" })),
    says: [
      'spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing',
    ],
  },
  {
    name: "another resource",
    after: pod(
      of({ cpu: "500m", memory: "1Gi", "ephemeral-storage": "1Gi" }, { cpu: "1", memory: "2Gi" }),
    ),
    says: ["spec: Forbidden: only cpu and memory resources are mutable"],
  },
  {
    name: "the policy",
    after: pod(HALF, { resizePolicy: [{ resourceName: "cpu", restartPolicy: "NotRequired" }] }),
    says: ["spec: Forbidden: only cpu and memory resources are mutable"],
  },
  {
    name: "a sidecar",
    before: pod(HALF, {}, { initContainers: [{ ...SIDE, resources: HALF }] }),
    after: pod(HALF, {}, { initContainers: [{ ...SIDE, resources: MORE }] }),
    says: [],
  },
  {
    name: "an init container that runs to its end",
    before: pod(HALF, {}, { initContainers: [{ ...FIRST, resources: HALF }] }),
    after: pod(HALF, {}, { initContainers: [{ ...FIRST, resources: MORE }] }),
    says: ["spec: Forbidden: resources for non-sidecar init containers are immutable"],
  },
  {
    name: "the pod as a whole",
    before: pod({}, {}, { resources: HALF }),
    after: pod({}, {}, { resources: MORE }),
    says: [],
  },
  {
    name: "the pod as a whole, below what its containers ask for",
    before: pod(of({ cpu: "500m" }, {}), {}, { resources: HALF }),
    after: pod(
      of({ cpu: "500m" }, {}),
      {},
      { resources: of({ cpu: "400m", memory: "1Gi" }, { cpu: "1", memory: "2Gi" }) },
    ),
    says: [
      'spec.resources.requests[cpu]: Invalid value: "400m": must be greater than or equal to aggregate container requests of 500m',
    ],
  },
  {
    name: "the pod as a whole, taken back",
    before: pod({}, {}, { resources: HALF }),
    after: pod({}, {}, { resources: of({ memory: "1Gi" }, { memory: "2Gi" }) }),
    says: [
      "spec.resources.requests: Forbidden: resource requests cannot be removed",
      "spec.resources.limits: Forbidden: resource limits cannot be removed",
    ],
  },
];

for (const { after, before = pod(HALF), name, says } of CASES) {
  test(`a resize of ${name} ${says.length === 0 ? "goes through" : "is refused"}`, () => {
    assert.deepEqual(resized(before, after).says, says);
  });
}

test("a resize takes the resources and leaves everything else", () => {
  const after = pod(MORE, { image: "evil:1" }, { nodeName: "elsewhere" });
  const { next, says } = resized(pod(HALF), after);
  assert.deepEqual(says, []);
  const spec = next["spec"] as unknown as Pod["spec"];
  assert.equal(spec.containers[0]?.image, "web:1");
  assert.equal(spec.nodeName, undefined);
  assert.deepEqual(spec.containers[0]?.resources, MORE);
});

test("a limit that comes alone is the request too", () => {
  const before = pod(of({ cpu: "1" }, {}));
  const { next } = resized(before, pod(of({ cpu: "1" }, { cpu: "1", memory: "1Gi" })));
  const spec = next["spec"] as unknown as Pod["spec"];
  assert.deepEqual(spec.containers[0]?.resources.requests, { cpu: "1", memory: "1Gi" });
});

test("neither mirrors of files, nor Windows, nor agents that know nothing of it resize", () => {
  const mirror = {
    ...pod(HALF),
    metadata: { name: "a", namespace: "d", annotations: { "kubernetes.io/config.mirror": "x" } },
  };
  assert.deepEqual(resized(mirror, pod(MORE)).says, [": Forbidden: static pods cannot be resized"]);
  const windows = pod(HALF, {}, { os: { name: "windows" } });
  assert.deepEqual(resized(windows, pod(MORE)).says, [
    ": Forbidden: windows pods cannot be resized",
  ]);
  const old = {
    ...pod(HALF),
    status: { containerStatuses: [{ name: "main", state: { running: {} } }] },
  } as unknown as JsonObject;
  assert.deepEqual(resized(old, pod(MORE)).says, [
    "spec: Forbidden: Pod running on node without support for resize",
  ]);
});

const POLICIES: readonly (readonly [JsonObject, spec: JsonObject, says: readonly string[]])[] = [
  [{ resourceName: "cpu", restartPolicy: "RestartContainer" }, {}, []],
  [
    { resourceName: "gpu", restartPolicy: "NotRequired" },
    {},
    [
      'spec.containers[0].resizePolicy: Unsupported value: "gpu": supported values: "cpu", "memory"',
    ],
  ],
  [
    { resourceName: "cpu", restartPolicy: "RestartContainer" },
    { restartPolicy: "Never" },
    [
      "spec.containers[0].resizePolicy: Invalid value: \"RestartContainer\": must be 'NotRequired' when `restartPolicy` is 'Never'",
    ],
  ],
];

for (const [policy, spec, says] of POLICIES) {
  test(`resizePolicy ${JSON.stringify(policy)} with ${JSON.stringify(spec)}`, () => {
    const containers = [{ name: "c", image: "app", resizePolicy: [policy] }];
    assert.deepEqual(problemsOfNew(pods, { spec: { containers, ...spec } }), says);
  });
}

test("resizePolicy names a resource once, and not for what runs to its end", () => {
  const cpu = { resourceName: "cpu", restartPolicy: "NotRequired" };
  const containers = [{ name: "c", image: "app", resizePolicy: [cpu, cpu] }];
  const initContainers = [{ ...FIRST, resizePolicy: [cpu] }];
  assert.deepEqual(problemsOfNew(pods, { spec: { containers, initContainers } }), [
    `spec.initContainers[0].resizePolicy: Invalid value: ${JSON.stringify([cpu])}: must not be set for init containers`,
    'spec.containers[0].resizePolicy[1]: Duplicate value: "cpu"',
  ]);
});

const WHOLE: readonly (readonly [
  resources: JsonObject,
  main: JsonObject,
  says: readonly string[],
])[] = [
  [of({ cpu: "1" }, { cpu: "2" }), of({ cpu: "1" }, { cpu: "2" }), []],
  [
    of({ cpu: "1" }, { cpu: "2" }),
    of({ cpu: "1" }, { cpu: "3" }),
    [
      'spec.containers[0].resources.limits[cpu]: Invalid value: "3": must be less than or equal to pod limits of 2',
    ],
  ],
  [
    of({ "ephemeral-storage": "1" }, {}),
    {},
    [
      'spec.resources.requests: Unsupported value: "ephemeral-storage": supported values: "cpu", "hugepages-", "memory"',
    ],
  ],
];

for (const [resources, main, says] of WHOLE) {
  test(`a pod that as a whole asks for ${JSON.stringify(resources)}: ${says[0] ?? "is taken"}`, () => {
    const containers = [{ name: "c", image: "app", resources: main }];
    assert.deepEqual(problemsOfNew(pods, { spec: { containers, resources } }), says);
  });
}

test("a pod that limits itself asks for what its containers ask for, or for the limit", () => {
  const limits = { cpu: "2", memory: "1Gi" };
  const { spec } = pod(of({ cpu: "500m" }, {}), {}, { resources: { limits } }) as unknown as Pod;
  assert.deepEqual(spec.resources?.requests, { cpu: "500m", memory: "1Gi" });
  assert.equal(qosClass({ spec }), "Burstable");
});
