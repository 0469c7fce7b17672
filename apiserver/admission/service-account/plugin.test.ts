import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "#lib/json";
import { seededRandom, VirtualClock } from "#lib/testing/virtual-clock";
import type { Pod, PodSpec, ServiceAccount } from "#proto/core/v1";
import { pods } from "#resources";
import { Published } from "../../chain/published.ts";
import type { AdmissionRequest, Reader } from "../../chain/steps.ts";
import { serviceAccount } from "./plugin.ts";

const MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount";

interface Case {
  readonly spec?: Partial<PodSpec>;
  readonly account?: Partial<ServiceAccount> | undefined;
  readonly annotations?: Readonly<Record<string, string>>;
}

function world(given: Case) {
  const clock = new VirtualClock();
  const containers = [{ name: "c" }, { name: "d" }];
  const spec = { serviceAccountName: "default", containers, ...given.spec };
  const { annotations = {} } = given;
  const object = { metadata: { name: "p", annotations }, spec } as unknown as JsonObject;
  const account = "account" in given ? given.account : {};
  let reads = 0;
  const reader = {
    known: () => undefined,
    get: async () => {
      reads++;
      return account && Published.unsaved({ metadata: { name: "default" }, ...account } as never);
    },
  } as unknown as Reader;
  const request = {
    ...{ operation: "CREATE", resource: pods, namespace: "ns", name: "p" },
    object,
  } as unknown as AdmissionRequest;
  const admit = async (): Promise<PodSpec> => {
    const changed = await serviceAccount({ clock, random: seededRandom(1) })(request, reader);
    return ((changed ?? object) as unknown as Pod).spec;
  };
  return { clock, admit, reads: () => reads };
}

function mountsOf({ containers, initContainers = [] }: PodSpec): readonly string[][] {
  return [...containers, ...initContainers].map(({ volumeMounts = [] }) =>
    volumeMounts.map(({ mountPath, name }) => `${name}:${mountPath}`),
  );
}

test("every container gets the account's token, unless something is there", async () => {
  const own = { name: "c", volumeMounts: [{ name: "own", mountPath: MOUNT_PATH }] };
  const spec = await world({
    spec: { containers: [own, { name: "d" }], initContainers: [{ name: "i" }] } as never,
  }).admit();
  const [volume] = spec.volumes ?? [];
  const name = volume?.name ?? "";
  assert.match(name, /^kube-api-access-[a-z0-9]{5}$/);
  const mount = `${name}:${MOUNT_PATH}`;
  assert.deepEqual(mountsOf(spec), [[`own:${MOUNT_PATH}`], [mount], [mount]]);
  assert.deepEqual(
    volume?.projected?.sources?.map((source) => Object.keys(source)[0]),
    ["serviceAccountToken", "configMap", "downwardAPI"],
  );
});

test("a volume that is there already is used", async () => {
  const volumes = [{ name: "kube-api-access-abcde", projected: { sources: [] } }];
  const spec = await world({ spec: { volumes } as never }).admit();
  assert.deepEqual(spec.volumes, volumes);
  assert.deepEqual(mountsOf(spec), [
    [`kube-api-access-abcde:${MOUNT_PATH}`],
    [`kube-api-access-abcde:${MOUNT_PATH}`],
  ]);
});

test("the pod says whether it wants a token, then its account", async () => {
  const yes = { automountServiceAccountToken: true };
  const no = { automountServiceAccountToken: false };
  const table = [
    [{}, {}, 1],
    [no, {}, 0],
    [{}, no, 0],
    [yes, no, 1],
    [no, yes, 0],
  ] as const;
  for (const [spec, account, volumes] of table)
    assert.equal((await world({ spec, account }).admit()).volumes?.length ?? 0, volumes);
});

test("pull secrets are the account's, unless the pod names some", async () => {
  const account = { imagePullSecrets: [{ name: "accounts" }] };
  const given = { imagePullSecrets: [{ name: "pods" }] };
  assert.deepEqual((await world({ account }).admit()).imagePullSecrets, [{ name: "accounts" }]);
  assert.deepEqual(
    (await world({ account, spec: given }).admit()).imagePullSecrets,
    given.imagePullSecrets,
  );
});

test("an account that is not there is refused, the default one after a while", async () => {
  const named = world({ account: undefined, spec: { serviceAccountName: "robot" } });
  await assert.rejects(named.admit(), {
    reason: "Forbidden",
    message:
      'pods "p" is forbidden: error looking up service account ns/robot: serviceaccount "robot" not found',
  });
  assert.equal(named.reads(), 1);
  const usual = world({ account: undefined });
  const refused = assert.rejects(usual.admit(), { reason: "Forbidden" });
  await usual.clock.advance(5_000);
  await refused;
  assert.equal(usual.reads(), 10);
});

test("an account may keep its pods to its own Secrets", async () => {
  const account = {
    metadata: {
      name: "default",
      annotations: { "kubernetes.io/enforce-mountable-secrets": "true" },
    },
    secrets: [{ name: "known" }],
    imagePullSecrets: [{ name: "pull" }],
  } as never;
  const volume = (secretName: string) => ({ volumes: [{ name: "v", secret: { secretName } }] });
  await world({ account, spec: volume("known") }).admit();
  const env = [{ name: "K", valueFrom: { secretKeyRef: { name: "x", key: "k" } } }];
  const refusals = [
    [
      volume("x"),
      /volume with secret.secretName="x" is not allowed because service account default/,
    ],
    [
      { containers: [{ name: "c", env }] },
      /container c with envVar K referencing secret.secretName="x"/,
    ],
    [{ imagePullSecrets: [{ name: "x" }] }, /does not reference that imagePullSecret/],
  ] as const;
  for (const [spec, message] of refusals)
    await assert.rejects(world({ account, spec: spec as never }).admit(), { message });
});

test("a mirror pod has nothing of the API", async () => {
  const annotations = { "kubernetes.io/config.mirror": "1" };
  const mirror = (spec: object) => world({ annotations, spec: spec as never });
  assert.equal((await mirror({}).admit()).volumes, undefined);
  const token = { projected: { sources: [{ serviceAccountToken: { path: "t" } }] } };
  const refusals = [
    [{ serviceAccountName: "robot" }, /may not reference service accounts/],
    [{ volumes: [{ name: "v", secret: { secretName: "s" } }] }, /may not reference secrets/],
    [{ volumes: [{ name: "v", ...token }] }, /may not use ServiceAccountToken volume projections/],
  ] as const;
  for (const [spec, message] of refusals)
    await assert.rejects(mirror(spec).admit(), { reason: "Forbidden", message });
});
