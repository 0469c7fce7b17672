import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { JsonObject } from "#lib/json";
import type { Pod } from "#proto/core/v1";
import { configMaps, namespaces, pods, services } from "#resources";
import type { InProcess } from "../../chain/core.ts";
import { TestCores } from "../../test-core.ts";
import { choosePlugins, DEFAULT_PLUGINS } from "../choice.ts";

const cores = new TestCores();
after(() => cores.close());

const ADMIN = { name: "admin", groups: ["system:masters"] };
const namespace = "team";
const DEDICATED = { key: "dedicated", operator: "Equal", value: "team", effect: "NoSchedule" };

async function open(
  plugin: string,
  annotations: Readonly<Record<string, string>> = {},
): Promise<InProcess> {
  const plugins = choosePlugins({ enable: [plugin] });
  const api = (await cores.openAdmitting([namespace], { plugins })).as(ADMIN);
  const metadata = { annotations };
  await api.patch({ resource: namespaces, name: namespace }, { type: "merge", body: { metadata } });
  return api;
}

async function makePod(api: InProcess, spec: JsonObject = {}): Promise<Pod["spec"]> {
  const containers = [{ name: "c", image: "app:v1", imagePullPolicy: "IfNotPresent" }];
  const given = { metadata: { name: "p" }, spec: { containers, ...spec } };
  return ((await api.create({ resource: pods, namespace }, given)) as Pod).spec;
}

const makeService = (api: InProcess, externalIPs: readonly string[]) =>
  api.create(
    { resource: services, namespace },
    { metadata: { name: "s" }, spec: { ports: [{ port: 80 }], externalIPs } },
  );

const refused = (call: Promise<unknown>, message: RegExp) =>
  assert.rejects(call, (error: Error) => {
    assert.match(error.message, message);
    return true;
  });

test("choosePlugins() takes Kubernetes' names, and refuses what is no choice", () => {
  assert.deepEqual(choosePlugins({}), DEFAULT_PLUGINS);
  const chosen = choosePlugins({ enable: ["AlwaysPullImages"], disable: ["LimitRanger"] });
  assert.ok(chosen.has("AlwaysPullImages") && !chosen.has("LimitRanger"));
  assert.throws(
    () => choosePlugins({ enable: ["Always"] }),
    /^PluginChoiceError: --enable-admission-plugins: plugin "Always" is unknown; there are AlwaysAdmit, /,
  );
  assert.throws(
    () => choosePlugins({ enable: ["Priority"], disable: ["Priority"] }),
    /admission plugin "Priority" is both enabled and disabled/,
  );
});

test("a plugin that is disabled does nothing", async () => {
  const plugins = choosePlugins({ disable: ["DefaultTolerationSeconds"] });
  const api = (await cores.openAdmitting([namespace], { plugins })).as(ADMIN);
  assert.equal((await makePod(api)).tolerations, undefined);
});

test("AlwaysPullImages: every container's image is pulled", async () => {
  const api = await open("AlwaysPullImages");
  const initContainers = [{ name: "i", image: "app:v1", imagePullPolicy: "Never" }];
  const spec = await makePod(api, { initContainers });
  assert.deepEqual(
    [...spec.containers, ...(spec.initContainers ?? [])].map((each) => each.imagePullPolicy),
    ["Always", "Always"],
  );
});

test("AlwaysDeny: nothing is made", async () => {
  const plugins = choosePlugins({ enable: ["AlwaysDeny"] });
  await refused(
    cores.openAdmitting([namespace], { plugins }),
    /^namespaces "team" is forbidden: admission control is denying all modifications$/,
  );
});

test("DenyServiceExternalIPs: a service gets no more external addresses than it has", async () => {
  const api = await open("DenyServiceExternalIPs");
  await refused(
    makeService(api, ["192.0.2.1"]),
    /services "s" is forbidden: Use of external IPs is denied by admission control\.$/,
  );
  await makeService(api, []);
});

test("ExtendedResourceToleration: who asks for something rare may go where it is", async () => {
  const api = await open("ExtendedResourceToleration");
  const amounts = { "example.com/gpu": "1", cpu: "1" };
  const resources = { requests: amounts, limits: { "example.com/gpu": "1" } };
  const spec = await makePod(api, { containers: [{ name: "c", image: "i", resources }] });
  const rare = (spec.tolerations ?? []).filter(({ key }) => key === "example.com/gpu");
  assert.deepEqual(rare, [{ key: "example.com/gpu", operator: "Exists" }]);
});

test("LimitPodHardAntiAffinityTopology: a pod shuns others on its node at most", async () => {
  const api = await open("LimitPodHardAntiAffinityTopology");
  const shunning = (topologyKey: string) => ({
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey, labelSelector: {} }],
      },
    },
  });
  await refused(makePod(api, shunning("zone")), /has TopologyKey zone but only key/);
  await makePod(api, shunning("kubernetes.io/hostname"));
});

test("NamespaceAutoProvision: a namespace is made for what is made in it", async () => {
  const api = await open("NamespaceAutoProvision");
  const target = { resource: configMaps, namespace: "new" };
  await api.create(target, { metadata: { name: "a" } });
  const { metadata } = await api.get({ resource: namespaces, name: "new" });
  assert.equal(metadata.labels?.["kubernetes.io/metadata.name"], "new");
  await refused(
    api.create({ ...target, namespace: "dry" }, { metadata: { name: "a" } }, { dryRun: true }),
    /namespaces "dry" not found/,
  );
});

test("NamespaceExists: nothing is done in a namespace that is not there", async () => {
  const plugins = choosePlugins({ enable: ["NamespaceExists"], disable: ["NamespaceLifecycle"] });
  const api = (await cores.openAdmitting([namespace], { plugins })).as(ADMIN);
  const create = (space: string) =>
    api.create({ resource: configMaps, namespace: space }, { metadata: { name: "a" } });
  await refused(create("elsewhere"), /namespaces "elsewhere" not found/);
  await create(namespace);
});

test("PodNodeSelector: a namespace's pods go to its nodes", async () => {
  const api = await open("PodNodeSelector", {
    "scheduler.alpha.kubernetes.io/node-selector": "zone=a, disk=ssd",
  });
  await refused(
    makePod(api, { nodeSelector: { zone: "b" } }),
    /pod node label selector conflicts with its namespace node label selector$/,
  );
  const { nodeSelector } = await makePod(api, { nodeSelector: { gpu: "yes" } });
  assert.deepEqual(nodeSelector, { zone: "a", disk: "ssd", gpu: "yes" });
});

test("PodTolerationRestriction: a namespace says what its pods tolerate, and may", async () => {
  const allowed = [{ operator: "Exists", effect: "NoExecute" }, DEDICATED];
  const api = await open("PodTolerationRestriction", {
    "scheduler.alpha.kubernetes.io/defaultTolerations": JSON.stringify([DEDICATED]),
    "scheduler.alpha.kubernetes.io/tolerationsWhitelist": JSON.stringify(allowed),
  });
  await refused(
    makePod(api, { tolerations: [{ key: "x", operator: "Exists", effect: "NoSchedule" }] }),
    /conflict with its namespace whitelist$/,
  );
  const { tolerations = [] } = await makePod(api);
  assert.ok(tolerations.some(({ key }) => key === "dedicated"));
});
