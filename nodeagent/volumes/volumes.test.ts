import assert from "node:assert/strict";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import type { ClusterTrustBundle } from "#proto/certificates/v1beta1";
import type { ConfigMap, PersistentVolume, Pod, Secret, Volume } from "#proto/core/v1";
import { isInside, writeAtomically } from "./atomic-files.ts";
import { removeVolumes, setUpVolumes, volumeMounts } from "./pod-volumes.ts";

let directory = "";
const mounted = new Set<string>();
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "naru-volumes-"));
  mounted.clear();
});
afterEach(() => rmSync(directory, { recursive: true }));

const kernel = {
  mountTmpfs: (path: string): void => void mounted.add(path),
  unmount: (path: string): void => void mounted.delete(path),
};

/** Volumes by the claims that are bound to them. */
const VOLUMES: Readonly<Record<string, object>> = {
  own: { spec: { csi: { driver: "naru.dev/local-path", volumeHandle: "pvc-1" } } },
  evil: { spec: { csi: { driver: "naru.dev/local-path", volumeHandle: "../../etc" } } },
  local: { spec: { local: { path: "/proc" } } },
  absent: { spec: { local: { path: "/proc/none" } } },
  foreign: { metadata: { name: "pv" }, spec: { nfs: { server: "x", path: "/" } } },
};

function setUp(
  volumes: readonly Volume[],
  data: Readonly<Record<string, string>> = { a: "1", b: "2" },
  spec: object = {},
) {
  const encoded = Object.entries(data).map(([key, text]) => [
    key,
    Buffer.from(text).toString("base64"),
  ]);
  return setUpVolumes({
    pod: { spec: { volumes, containers: [{ name: "c" }], ...spec } } as unknown as Pod,
    kernel,
    directory,
    configMap: (name) => (name === "cm" ? ({ data } as unknown as ConfigMap) : undefined),
    secret: (name) =>
      name === "s" ? ({ data: Object.fromEntries(encoded) } as unknown as Secret) : undefined,
    trustBundles: ({ name, signerName }) => BUNDLES[name ?? signerName ?? ""] ?? [],
    claimed: (name) => VOLUMES[name] as unknown as PersistentVolume | undefined,
    localVolumes: join(directory, "local"),
    token: ({ audience = "api" }) => `token for ${audience}`,
    field: (path) => (path === "metadata.name" ? "web" : undefined),
    resource: () => "1",
  });
}

const block = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;
const bundle = (...blocks: readonly string[]) =>
  ({ spec: { trustBundle: `# a remark\n${blocks.map(block).join("")}` } }) as ClusterTrustBundle;
const BUNDLES: Readonly<Record<string, readonly ClusterTrustBundle[]>> = {
  one: [bundle("b", "a")],
  "example.com/signer": [bundle("a"), bundle("b", "a")],
};

test("setUpVolumes writes the certificates of trust bundles, each once", () => {
  const volume = (source: object) => {
    const sources = [{ clusterTrustBundle: { path: "ca.pem", ...source } }];
    return { name: "v", projected: { sources } } as unknown as Volume;
  };
  const text = (source: object) =>
    readFileSync(join(setUp([volume(source)]).get("v") ?? "", "ca.pem"), "utf8");
  assert.equal(text({ name: "one" }), block("a") + block("b"));
  assert.equal(text({ signerName: "example.com/signer" }), block("a") + block("b"));
  assert.equal(text({ name: "other", optional: true }), "");
  assert.throws(() => text({ name: "other" }), /clustertrustbundle "other" not found/);
});

test("setUpVolumes writes a ConfigMap, and swaps it as a whole", () => {
  const volume = { name: "v", configMap: { name: "cm" } };
  const path = setUp([volume]).get("v") ?? "";
  const first = readlinkSync(join(path, "..data"));
  assert.deepEqual(
    [readFileSync(join(path, "a"), "utf8"), readFileSync(join(path, "b"), "utf8")],
    ["1", "2"],
  );
  setUp([volume]);
  assert.equal(readlinkSync(join(path, "..data")), first);
  setUp([volume], { a: "new" });
  assert.equal(readFileSync(join(path, "a"), "utf8"), "new");
  assert.deepEqual(
    readdirSync(path).filter((name) => !name.startsWith("..")),
    ["a"],
  );
  assert.equal(readdirSync(path).length, 3);
});

test("setUpVolumes picks items, with their modes", () => {
  const configMap = { name: "cm", items: [{ key: "a", path: "x/y", mode: 0o600 }] };
  const path = setUp([{ name: "v", configMap }]).get("v") ?? "";
  assert.equal(statSync(join(path, "x/y")).mode & 0o777, 0o600);
  assert.throws(
    () => setUp([{ name: "w", configMap: { name: "cm", items: [{ key: "z", path: "z" }] } }]),
    /non-existent config key: z/,
  );
  assert.throws(
    () => setUp([{ name: "w", configMap: { name: "cm", items: [{ key: "a", path: "../z" }] } }]),
    /leaves the volume/,
  );
});

test("setUpVolumes says what is not there, unless it is optional", () => {
  assert.throws(
    () => setUp([{ name: "v", secret: { secretName: "none" } }]),
    /MountVolume.SetUp failed for volume "v": secret "none" not found/,
  );
  assert.equal(setUp([{ name: "v", secret: { secretName: "none", optional: true } }]).size, 1);
  assert.throws(
    () => setUp([{ name: "n", nfs: { server: "a", path: "/" } }]),
    /kind nfs are not supported/,
  );
});

test("setUpVolumes keeps secrets and memory off the disk", () => {
  setUp([
    { name: "s", secret: { secretName: "s" } },
    { name: "m", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
  ]);
  assert.deepEqual([...mounted].toSorted(), [join(directory, "m"), join(directory, "s")]);
  removeVolumes(kernel, directory);
  assert.equal(mounted.size, 0);
  mkdirSync(directory);
});

test("setUpVolumes projects several sources", () => {
  const projected = {
    sources: [
      { configMap: { name: "cm", items: [{ key: "a", path: "one" }] } },
      { secret: { name: "s", items: [{ key: "b", path: "two" }] } },
      { downwardAPI: { items: [{ path: "name", fieldRef: { fieldPath: "metadata.name" } }] } },
    ],
  };
  const path = setUp([{ name: "p", projected }]).get("p") ?? "";
  assert.deepEqual(
    ["one", "two", "name"].map((name) => readFileSync(join(path, name), "utf8")),
    ["1", "2", "web"],
  );
});

test("setUpVolumes projects tokens, to their user alone where there is one", () => {
  const sources = [
    { serviceAccountToken: { path: "token" } },
    { serviceAccountToken: { path: "vault", audience: "vault" } },
  ];
  const volumes = [{ name: "t", projected: { sources } }];
  const modeOf = (path: string): number => statSync(path).mode & 0o777;
  const path = setUp(volumes).get("t") ?? "";
  assert.equal(readFileSync(join(path, "token"), "utf8"), "token for api");
  assert.equal(readFileSync(join(path, "vault"), "utf8"), "token for vault");
  assert.equal(modeOf(join(path, "token")), 0o644);
  setUp(volumes, {}, { securityContext: { runAsUser: process.getuid?.() ?? 0 } });
  assert.equal(modeOf(join(path, "token")), 0o600);
  const group = { securityContext: { fsGroup: process.getgid?.() ?? 0 } };
  const shared = setUp([{ name: "g", projected: { sources } }], {}, group).get("g") ?? "";
  assert.equal(modeOf(join(shared, "token")), 0o640);
});

test("setUpVolumes checks host paths", () => {
  const path = join(directory, "made");
  setUp([{ name: "h", hostPath: { path, type: "DirectoryOrCreate" } }]);
  assert.ok(lstatSync(path).isDirectory());
  assert.throws(() => setUp([{ name: "h", hostPath: { path, type: "File" } }]), /is not a file/);
  assert.throws(
    () => setUp([{ name: "h", hostPath: { path: `${path}/no`, type: "Socket" } }]),
    /does not exist/,
  );
});

test("setUpVolumes finds the volume of a claim, and makes the node's own", () => {
  const claim = (claimName: string): string =>
    setUp([{ name: "v", persistentVolumeClaim: { claimName } }]).get("v") ?? "";
  const own = claim("own");
  assert.equal(own, join(directory, "local", "pvc-1"));
  assert.equal(statSync(own).mode & 0o777, 0o777);
  writeFileSync(join(own, "kept"), "x");
  claim("own");
  assert.ok(existsSync(join(own, "kept")));
  assert.equal(claim("local"), "/proc");
  assert.throws(() => claim("evil"), /volumeHandle "..\/..\/etc" is not a plain name/);
  assert.throws(() => claim("absent"), /is not a directory of this node/);
  assert.throws(() => claim("foreign"), /volume "pv" is of a kind that this node cannot mount/);
  assert.throws(() => claim("none"), /persistentvolumeclaim "none" is not bound/);
});

test("volumeMounts mounts a claim's volume to be read only when the pod says so", () => {
  const volume = { name: "v", persistentVolumeClaim: { claimName: "own", readOnly: true } };
  const pod = { spec: { volumes: [volume] } } as unknown as Pod;
  const container = {
    name: "c",
    resources: {},
    volumeMounts: [{ name: "v", mountPath: "/m" }],
  };
  const [found] = volumeMounts(pod, container, new Map([["v", directory]]), (text) => text);
  assert.deepEqual(found?.options, ["rbind", "rprivate", "ro"]);
});

const NO_CLAIMS = { spec: { containers: [] } } as unknown as Pod;

function mount(subPath: string): string {
  const container = {
    name: "c",
    resources: {},
    volumeMounts: [{ name: "v", mountPath: "/m", subPath, readOnly: true }],
  };
  const [found] = volumeMounts(NO_CLAIMS, container, new Map([["v", directory]]), (text) => text);
  assert.deepEqual(found?.options, ["rbind", "rprivate", "ro"]);
  return found?.source ?? "";
}

test("volumeMounts follows a sub-path, but not out of the volume", () => {
  assert.equal(mount("a/b"), join(directory, "a/b"));
  symlinkSync("/etc", join(directory, "evil"));
  symlinkSync("a", join(directory, "good"));
  assert.equal(mount("good"), join(directory, "a"));
  assert.throws(() => mount("evil"), /leaves its volume by a link/);
  assert.throws(() => mount("../x"), /leaves its volume/);
});

test("isInside refuses what leaves, and what would hide our own links", () => {
  assert.deepEqual(["a", "a/b", "", "/a", "a/../b", "..data"].map(isInside), [
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
  assert.throws(() =>
    writeAtomically(directory, new Map([["../x", { data: Buffer.of(), mode: 0 }]]), undefined),
  );
});
