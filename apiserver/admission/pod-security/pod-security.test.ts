import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Pod, PodSpec } from "#proto/core/v1";
import { detailsOf, violations } from "./checks.ts";
import { existingPodWarnings } from "./existing-pods.ts";
import { type Level, labelCauses, levelText, policyOf } from "./policy.ts";
import { subjectOf } from "./subject.ts";

type Loose = Readonly<Record<string, unknown>>;

interface Given {
  readonly pod?: Loose;
  readonly podContext?: Loose;
  readonly context?: Loose;
  readonly container?: Loose;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A pod that every level allows, with what a row changes. */
function subjectWith(given: Given) {
  const securityContext = {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    ...given.context,
  };
  const spec = {
    containers: [{ name: "c", image: "x", securityContext, ...given.container }],
    securityContext: {
      runAsNonRoot: true,
      seccompProfile: { type: "RuntimeDefault" },
      ...given.podContext,
    },
    ...given.pod,
  };
  return subjectOf(given.annotations, spec as unknown as PodSpec);
}

function told(level: Level, version: "latest" | number, given: Given): string {
  return detailsOf(violations({ level, version }, subjectWith(given)));
}

const PROFILE = "securityContext.seccompProfile.type";

const BASELINE: readonly (readonly [string, Given])[] = [
  [
    'forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined")',
    { podContext: { appArmorProfile: { type: "Unconfined" } } },
  ],
  [
    'forbidden AppArmor profiles (container "c" and annotation must not set AppArmor profile type to "Unconfined", "container.apparmor.security.beta.kubernetes.io/c="unconfined"")',
    {
      context: { appArmorProfile: { type: "Unconfined" } },
      annotations: { "container.apparmor.security.beta.kubernetes.io/c": "unconfined" },
    },
  ],
  [
    'non-default capabilities (container "c" must not include "NET_ADMIN", "SYS_ADMIN" in securityContext.capabilities.add)',
    { context: { capabilities: { add: ["SYS_ADMIN", "NET_ADMIN", "CHOWN"] } } },
  ],
  [
    "host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)",
    { pod: { hostNetwork: true, hostPID: true, hostIPC: true } },
  ],
  [
    'hostPath volumes (volumes "a", "b")',
    {
      pod: {
        volumes: [
          { name: "a", hostPath: { path: "/" } },
          { name: "b", hostPath: { path: "/" } },
          { name: "c", emptyDir: {} },
        ],
      },
    },
  ],
  [
    'hostPort (container "c" uses hostPorts 80, 9090)',
    {
      container: {
        ports: [
          { containerPort: 1, hostPort: 9090 },
          { containerPort: 2, hostPort: 80 },
          { containerPort: 3 },
        ],
      },
    },
  ],
  [
    'probe or lifecycle host (container "c" uses probe or lifecycle hosts "10.0.0.1", "db")',
    {
      container: {
        livenessProbe: { httpGet: { host: "db" } },
        lifecycle: { preStop: { tcpSocket: { host: "10.0.0.1" } } },
      },
    },
  ],
  [
    'privileged (container "c" must not set securityContext.privileged=true)',
    { context: { privileged: true } },
  ],
  [
    'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
    { context: { procMount: "Unmasked" } },
  ],
  [
    'seLinuxOptions (pod and container "c" set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set; role may not be set)',
    {
      podContext: { seLinuxOptions: { type: "spc_t" } },
      context: { seLinuxOptions: { user: "u", role: "r" } },
    },
  ],
  [
    `seccompProfile (container "c" must not set ${PROFILE} to "Unconfined")`,
    { context: { seccompProfile: { type: "Unconfined" } } },
  ],
  [
    "forbidden sysctls (kernel.msgmax)",
    { podContext: { sysctls: [{ name: "kernel.msgmax" }, { name: "net.ipv4.tcp_rmem" }] } },
  ],
  [
    "hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)",
    { podContext: { windowsOptions: { hostProcess: true } } },
  ],
];

const RESTRICTED: readonly (readonly [string, Given])[] = [
  [
    'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false)',
    { context: { allowPrivilegeEscalation: undefined } },
  ],
  [
    'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]; container "c" must not include "CHOWN" in securityContext.capabilities.add)',
    { context: { capabilities: { add: ["CHOWN", "NET_BIND_SERVICE"] } } },
  ],
  [
    'restricted volume types (volume "a" uses restricted volume type "nfs")',
    {
      pod: {
        volumes: [
          { name: "a", nfs: {} },
          { name: "b", secret: {} },
        ],
      },
    },
  ],
  [
    "runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)",
    { podContext: { runAsNonRoot: false } },
  ],
  [
    'runAsNonRoot != true (pod or containers "i", "c" must set securityContext.runAsNonRoot=true)',
    {
      podContext: { runAsNonRoot: undefined },
      pod: {
        initContainers: [
          {
            name: "i",
            securityContext: {
              allowPrivilegeEscalation: false,
              capabilities: { drop: ["ALL"] },
            },
          },
        ],
        securityContext: { seccompProfile: { type: "Localhost" } },
      },
    },
  ],
  ['runAsUser=0 (container "c" must not set runAsUser=0)', { context: { runAsUser: 0 } }],
  [
    `seccompProfile (pod or container "c" must set ${PROFILE} to "RuntimeDefault" or "Localhost")`,
    { podContext: { seccompProfile: undefined } },
  ],
];

for (const [expected, given] of BASELINE) {
  test(`baseline, and restricted above it, refuse: ${expected}`, () => {
    assert.equal(told("privileged", "latest", given), "");
    assert.equal(told("baseline", "latest", given), expected);
    assert.notEqual(told("restricted", "latest", given), "");
  });
}

for (const [expected, given] of RESTRICTED) {
  test(`restricted alone refuses: ${expected}`, () => {
    assert.equal(told("baseline", "latest", given), "");
    assert.equal(told("restricted", "latest", given), expected);
  });
}

test("a version asks what it knew", () => {
  const plain = { container: { securityContext: undefined } };
  assert.equal(told("restricted", 0, { ...plain, podContext: { seccompProfile: undefined } }), "");
  const tcp = { podContext: { sysctls: [{ name: "net.ipv4.tcp_rmem" }] } };
  assert.equal(told("baseline", 31, tcp), "forbidden sysctls (net.ipv4.tcp_rmem)");
  assert.equal(told("baseline", 32, tcp), "");
  const engine = { context: { seLinuxOptions: { type: "container_engine_t" } } };
  assert.match(told("baseline", 30, engine), /type "container_engine_t"/);
  assert.equal(told("baseline", 99, engine), "");
  const annotations = { "seccomp.security.alpha.kubernetes.io/pod": "unconfined" };
  assert.match(told("baseline", 18, { annotations }), /^seccompProfile \(forbidden annotation/);
  assert.equal(told("baseline", 19, { annotations }), "");
});

test("restricted says a thing once, in its own words", () => {
  const hostPath = { pod: { volumes: [{ name: "a", hostPath: {} }] } };
  assert.equal(
    told("restricted", "latest", hostPath),
    'restricted volume types (volume "a" uses restricted volume type "hostPath")',
  );
});

test("a pod in a user namespace may be root there, one for Windows cannot say all", () => {
  const asRoot = { pod: { hostUsers: false }, context: { runAsUser: 0, runAsNonRoot: false } };
  assert.equal(told("restricted", "latest", asRoot), "");
  assert.match(told("restricted", 34, asRoot), /runAsNonRoot != true .*, runAsUser=0 /);
  const windows = {
    pod: { os: { name: "windows" } },
    podContext: { seccompProfile: undefined },
    context: { allowPrivilegeEscalation: undefined, capabilities: undefined },
  };
  assert.equal(told("restricted", "latest", windows), "");
});

test("labels say the level; what cannot be read is strict, and is refused when written", () => {
  const label = (name: string, value: string) => ({
    [`pod-security.kubernetes.io/${name}`]: value,
  });
  const texts = (labels: Readonly<Record<string, string>>) =>
    Object.values(policyOf(labels)).map(levelText);
  assert.deepEqual(texts({}), ["privileged:latest", "privileged:latest", "privileged:latest"]);
  assert.deepEqual(
    texts({ ...label("enforce", "baseline"), ...label("enforce-version", "v1.25") }),
    ["baseline:v1.25", "privileged:latest", "baseline:v1.25"],
  );
  assert.deepEqual(texts({ ...label("enforce", "baseline"), ...label("warn", "restricted") }), [
    "baseline:latest",
    "privileged:latest",
    "restricted:latest",
  ]);
  const bad = {
    ...label("enforce", "hard"),
    ...label("warn", "x"),
    ...label("audit-version", "1"),
  };
  assert.deepEqual(texts(bad), ["restricted:latest", "privileged:latest", "privileged:latest"]);
  assert.deepEqual(
    labelCauses(bad).map(({ field, message }) => `${field}: ${message}`),
    [
      'metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "hard": must be one of privileged, baseline, restricted',
      'metadata.labels[pod-security.kubernetes.io/audit-version]: Invalid value: "1": must be "latest" or "v1.x"',
      'metadata.labels[pod-security.kubernetes.io/warn]: Invalid value: "x": must be one of privileged, baseline, restricted',
    ],
  );
});

test("existing pods are counted by what is wrong with them, and each owner's first comes first", () => {
  const pod = (name: string, given: Given, owner?: string) =>
    ({
      metadata: {
        name,
        ...(owner === undefined ? {} : { ownerReferences: [{ uid: owner, controller: true }] }),
      },
      spec: subjectWith(given).spec,
    }) as unknown as Pod;
  const host = { pod: { hostPID: true } };
  const all = [
    pod("b", host, "o"),
    pod("a", host, "o"),
    pod("z", { context: { privileged: true } }),
    pod("good", {}),
  ];
  const baseline = { level: "baseline", version: "latest" } as const;
  assert.deepEqual(existingPodWarnings("ns", baseline, all), [
    'existing pods in namespace "ns" violate the new PodSecurity enforce level "baseline:latest"',
    "a (and 1 other pod): host namespaces",
    "z: privileged",
  ]);
  assert.deepEqual(existingPodWarnings("ns", baseline, all.slice(3)), []);
  const many = Array.from({ length: 3001 }, (_, at) => pod(`p${at}`, {}));
  assert.match(
    existingPodWarnings("ns", baseline, many)[0] ?? "",
    /only checked against the first 3000 of 3001 existing pods$/,
  );
});

test("a stricter level allows no pod that a weaker one refuses", () => {
  const change = fc.constantFrom(...[...BASELINE, ...RESTRICTED].map(([, given]) => given));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 3 }), fc.integer({ min: 0, max: 40 }), (all, at) => {
      const given = Object.assign({}, ...all) as Given;
      if (told("baseline", at, given) !== "") assert.notEqual(told("restricted", at, given), "");
    }),
  );
});
