import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigMap, Pod, Secret, Service } from "#proto/core/v1";
import type { Image } from "../images/image-service.ts";
import { environmentOf, type Sources, serviceVariables } from "./environment.ts";
import { hostsFile, resolvConf } from "./etc-files.ts";
import { expand } from "./expand.ts";
import { containerLimits, oomScoreAdj } from "./limits.ts";
import { capabilitiesOf, containerConfig } from "./oci-spec.ts";
import { pullCredentials } from "./pull-credentials.ts";
import { signalNumber } from "./signal-number.ts";
import { container, pod } from "./testing/pods.ts";
import { processUser } from "./user.ts";

const node = { name: "node-1", ip: "10.0.0.1", cpuMilli: 2000, memoryBytes: 1024 ** 3 };
const settings = { data: { color: "blue" } } as unknown as ConfigMap;
const secret = { data: { pw: Buffer.from("hunter2").toString("base64") } } as unknown as Secret;
const sources: Sources = {
  configMap: (name) => (name === "settings" ? settings : undefined),
  secret: (name) => (name === "login" ? secret : undefined),
};

function environment(
  env: NonNullable<Pod["spec"]["containers"][0]["env"]>,
): ReadonlyMap<string, string> {
  const facts = { pod: pod({}, { labels: { a: "b" } }), podIp: "10.1.0.2", node };
  const own = container("main", { env, resources: { limits: { memory: "64Mi" } } });
  const services = new Map([["API_HOST", "10.96.0.1"]]);
  return environmentOf({ facts, container: own, sources, imageEnv: ["LANG=C"], services });
}

test("environmentOf reads every source", () => {
  const found = environment([
    { name: "A", value: "1" },
    { name: "B", value: "$(A)-$(API_HOST)-$$(A)-$(NONE)" },
    { name: "C", valueFrom: { configMapKeyRef: { name: "settings", key: "color" } } },
    { name: "D", valueFrom: { secretKeyRef: { name: "login", key: "pw" } } },
    { name: "E", valueFrom: { fieldRef: { fieldPath: "metadata.labels['a']" } } },
    { name: "F", valueFrom: { resourceFieldRef: { resource: "limits.memory", divisor: "1Mi" } } },
    { name: "G", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
    { name: "H", valueFrom: { configMapKeyRef: { name: "none", key: "k", optional: true } } },
    { name: "I", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
  ]);
  const values = ["A", "B", "C", "D", "E", "F", "G", "H", "I", "LANG"].map((name) =>
    found.get(name),
  );
  const b = "1-10.96.0.1-$(A)-$(NONE)";
  assert.deepEqual(values, ["1", b, "blue", "hunter2", "b", "64", "2", undefined, "10.1.0.2", "C"]);
});

test("environmentOf names what is missing", () => {
  const missing = (name: string, key: string) => () =>
    environment([{ name: "X", valueFrom: { configMapKeyRef: { name, key } } }]);
  assert.throws(missing("none", "k"), /^ConfigError: configmap "none" not found$/);
  assert.throws(missing("settings", "k"), /couldn't find key k in ConfigMap settings/);
});

test("expand leaves alone what it does not know", () => {
  assert.equal(expand("$(A)$$(A)$(B)$", new Map([["A", "x"]])), "x$(A)$(B)$");
});

test("serviceVariables follow Docker's links", () => {
  const service = {
    metadata: { name: "my-db" },
    spec: { clusterIP: "10.96.0.9", ports: [{ name: "sql", port: 5432 }] },
  } as unknown as Service;
  const found = serviceVariables([service]);
  assert.equal(found.get("MY_DB_SERVICE_PORT_SQL"), "5432");
  assert.equal(found.get("MY_DB_PORT_5432_TCP_ADDR"), "10.96.0.9");
});

const files = {
  passwd: "root:x:0:0::/:/bin/sh\nweb:x:100:101::/:/bin/sh\n",
  group: "web:x:101:\nextra:x:102:web\n",
};

function user(image: string, podContext: object, own: object = {}) {
  const whole = pod({ securityContext: podContext });
  const { uid, gid, additionalGids } = processUser(
    whole,
    container("main", { securityContext: own }),
    { user: image, reference: "web:1" },
    files,
  );
  return [uid, gid, ...additionalGids];
}

test("processUser takes the pod's word before the image's", () => {
  assert.deepEqual(user("", {}), [0, 0, 0]);
  assert.deepEqual(user("web", {}), [100, 101, 101, 102]);
  assert.deepEqual(user("web:extra", {}), [100, 102, 102]);
  assert.deepEqual(user("1234", {}), [1234, 0, 0]);
  assert.deepEqual(user("web", { runAsUser: 5 }), [5, 0, 0]);
  assert.deepEqual(user("web", { runAsUser: 5, runAsGroup: 6, fsGroup: 7 }), [5, 6, 6, 7]);
  assert.deepEqual(user("web", { runAsUser: 5 }, { runAsUser: 8 }), [8, 0, 0]);
  assert.throws(() => user("nobody", {}), /unable to find user nobody/);
  assert.throws(() => user("", { runAsNonRoot: true }), /image will run as root/);
  assert.throws(() => user("web", { runAsNonRoot: true }), /non-numeric user/);
  assert.throws(() => user("", { runAsNonRoot: true, runAsUser: 0 }), /breaks non-root policy/);
});

test("capabilitiesOf adds and drops", () => {
  assert.deepEqual(capabilitiesOf({ drop: ["ALL"], add: ["NET_BIND_SERVICE"] }, false), [
    "CAP_NET_BIND_SERVICE",
  ]);
  assert.ok(!capabilitiesOf({ drop: ["MKNOD"] }, false).includes("CAP_MKNOD"));
  assert.ok(capabilitiesOf({ add: ["ALL"], drop: ["SYS_ADMIN"] }, false).length > 30);
  assert.throws(() => capabilitiesOf({ add: ["NONSENSE"] }, false), /unknown capability/);
});

const image: Image = {
  id: "sha256:1",
  references: [],
  digests: [],
  sizeBytes: 1,
  pinned: false,
  layerDirs: ["/layers/1"],
  config: {
    user: "",
    env: [],
    entrypoint: ["/run"],
    cmd: ["--all"],
    workingDir: "/srv",
    stopSignal: "",
    labels: {},
  },
};

function config(more: Parameters<typeof container>[1] = {}, spec: Partial<Pod["spec"]> = {}) {
  return containerConfig({
    pod: pod(spec),
    container: container("main", more),
    attempt: 2,
    image,
    environment: new Map([["A", "x"]]),
    accounts: files,
    volumeMounts: [],
    files: {
      hosts: "/h",
      hostname: "/n",
      resolvConf: "/r",
      terminationLog: "/t",
      seccompDir: "/s",
    },
    logPath: "/log",
    nodeMemoryBytes: 1024 ** 3,
  });
}

test("containerConfig follows the rules for command and arguments", () => {
  const args = (more: Parameters<typeof container>[1]) => config(more).oci.process.args;
  assert.deepEqual(args({}), ["/run", "--all"]);
  assert.deepEqual(args({ args: ["$(A)"] }), ["/run", "x"]);
  assert.deepEqual(args({ command: ["sh"] }), ["sh"]);
  assert.deepEqual(args({ command: ["sh"], args: ["-c"] }), ["sh", "-c"]);
});

test("containerConfig is confined unless it is privileged", () => {
  const plain = config();
  assert.equal(plain.id, "uid-1-main-2");
  assert.equal(plain.oci.linux.seccomp, "default");
  assert.ok(plain.oci.linux.maskedPaths.includes("/proc/kcore"));
  const strict = config({
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
  });
  assert.equal(strict.oci.process.noNewPrivileges, true);
  assert.equal(strict.oci.root.readonly, true);
  const privileged = config({ securityContext: { privileged: true } });
  assert.equal(privileged.oci.linux.seccomp, "unconfined");
  assert.deepEqual(privileged.oci.linux.maskedPaths, []);
  const outside = { seccompProfile: { type: "Localhost", localhostProfile: "../x" } } as const;
  assert.throws(() => config({ securityContext: outside }), /not a path below/);
});

test("containerLimits turn amounts into the kernel's", () => {
  const resources = { requests: { cpu: "250m" }, limits: { cpu: "1500m", memory: "64Mi" } };
  assert.deepEqual(containerLimits(pod(), container("main", { resources })), {
    cpuShares: 256,
    cpuQuotaUs: 150_000,
    cpuPeriodUs: 100_000,
    memoryBytesMax: 64 * 1024 ** 2,
  });
  assert.equal(oomScoreAdj(pod(), container("main"), 1024 ** 3), 1000);
  const guaranteed = container("main", { resources: { limits: { cpu: "1", memory: "1Gi" } } });
  assert.equal(oomScoreAdj(pod({ containers: [guaranteed] }), guaranteed, 1024 ** 3), -997);
});

const dns = {
  clusterDns: ["10.96.0.10"],
  clusterDomain: "cluster.local",
  nodeResolvConf: "search lan\nnameserver 9.9.9.9\noptions timeout:1\n",
};

test("resolvConf follows dnsPolicy", () => {
  const cluster =
    "search default.svc.cluster.local svc.cluster.local cluster.local lan\nnameserver 10.96.0.10\noptions ndots:5\n";
  const nodes = "search lan\nnameserver 9.9.9.9\noptions timeout:1\n";
  assert.equal(resolvConf(pod(), dns), cluster);
  assert.equal(resolvConf(pod({ dnsPolicy: "Default" }), dns), nodes);
  assert.equal(resolvConf(pod({ hostNetwork: true }), dns), nodes);
  assert.equal(
    resolvConf(pod({ hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet" }), dns),
    cluster,
  );
  const none = pod({
    dnsPolicy: "None",
    dnsConfig: { nameservers: ["1.1.1.1"], options: [{ name: "ndots", value: "2" }] },
  });
  assert.equal(resolvConf(none, dns), "nameserver 1.1.1.1\noptions ndots:2\n");
});

test("hostsFile has the pod and its aliases", () => {
  const text = hostsFile(
    pod({ hostAliases: [{ ip: "1.2.3.4", hostnames: ["a", "b"] }], subdomain: "s" }),
    "10.1.0.2",
    "cluster.local",
  );
  assert.match(text, /^10\.1\.0\.2\tweb\.s\.default\.svc\.cluster\.local\tweb$/m);
  assert.match(text, /^1\.2\.3\.4\ta\tb$/m);
});

test("pullCredentials reads Docker's files, and survives broken ones", () => {
  const auths = { "https://r.example/v1/": { auth: Buffer.from("u:p:q").toString("base64") } };
  const data = { ".dockerconfigjson": Buffer.from(JSON.stringify({ auths })).toString("base64") };
  const broken = { data: { ".dockerconfigjson": "bm90IGpzb24=" } } as unknown as Secret;
  const found = pullCredentials([{ data } as unknown as Secret, broken]);
  assert.deepEqual(found, [{ host: "r.example", username: "u", password: "p:q" }]);
});

test("signalNumber knows names, numbers and real-time signals", () => {
  const found = ["SIGQUIT", "QUIT", "3", "SIGRTMIN+3", "RTMAX-1", "", "nonsense"].map(signalNumber);
  assert.deepEqual(found, [3, 3, 3, 37, 63, 15, 15]);
});
