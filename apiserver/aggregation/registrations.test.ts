import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApiObject } from "#proto";
import type { APIService } from "#proto/apiregistration/v1";
import { apiVersionOf, deployments, pods, RESOURCES, type Resource } from "#resources";
import { ApiServices, inOrder } from "./api-services.ts";
import { planRegistration, wantedRegistrations } from "./plan-registrations.ts";
import { BUILT_IN_PRIORITIES } from "./priorities.ts";

const CUSTOM = { ...pods, group: "example.com", version: "v1", custom: {} } as unknown as Resource;
const MANAGED = "kube-aggregator.kubernetes.io/automanaged";

/** Served without being registered: the one API is for registering, the other an extension may bring. */
const UNREGISTERED = ["apiregistration.k8s.io", "metrics.k8s.io"];

test("every group version that is built in has its place in discovery", () => {
  const homeless = RESOURCES.filter(({ group }) => !UNREGISTERED.includes(group))
    .map(apiVersionOf)
    .filter((each) => !BUILT_IN_PRIORITIES.has(each));
  assert.deepEqual(homeless, []);
});

test("wantedRegistrations() has one of each group version that is served here", () => {
  const registration = { ...pods, group: "apiregistration.k8s.io" };
  const wanted = wantedRegistrations([pods, deployments, deployments, CUSTOM, registration]);
  assert.deepEqual(
    [...wanted].map(([name, { managed, spec }]) => [
      name,
      managed,
      spec.groupPriorityMinimum,
      spec.versionPriority,
    ]),
    [
      ["v1.", "onstart", 18_000, 1],
      ["v1.apps", "onstart", 17_800, 15],
      ["v1.example.com", "true", 1000, 100],
    ],
  );
});

function found(labels: Readonly<Record<string, string>>, versionPriority = 15): APIService {
  const spec = { group: "apps", version: "v1", groupPriorityMinimum: 17_800, versionPriority };
  return { metadata: { name: "v1.apps", labels }, spec } as unknown as APIService;
}

test("planRegistration() keeps what is ours and leaves others' alone", () => {
  const wanted = wantedRegistrations([deployments]).get("v1.apps");
  const ours = { [MANAGED]: "onstart" };
  const rows = [
    [undefined, undefined, "none"],
    [wanted, undefined, "create"],
    [wanted, found(ours), "none"],
    [wanted, found(ours, 1), "update"],
    [wanted, found({}, 1), "none"],
    [undefined, found(ours), "delete"],
    [undefined, found({ [MANAGED]: "true" }), "delete"],
    [undefined, found({}), "none"],
  ] as const;
  for (const [want, have, action] of rows)
    assert.equal(planRegistration("v1.apps", want, have).action, action);
});

test("inOrder() sorts groups and versions by what is registered", () => {
  const services = new ApiServices(() => {});
  const register = (group: string, version: string, priority: number, versionPriority: number) =>
    services.put({
      metadata: { name: `${version}.${group}` },
      spec: { group, version, groupPriorityMinimum: priority, versionPriority },
    } as unknown as ApiObject);
  register("b", "v1", 10, 100);
  register("b", "v2beta1", 2000, 100);
  register("b", "v3alpha1", 10, 200);
  register("a", "v1", 2000, 1);
  register("c", "v1", 3000, 1);
  const all = [
    ["unregistered", "v1"],
    ["a", "v1"],
    ["b", "v2beta1"],
    ["b", "v3alpha1"],
    ["b", "v1"],
    ["b", "v1"],
    ["c", "v1"],
    ["apps", "v1"],
    ["apiregistration.k8s.io", "v1"],
  ].map(([group = "", version = ""]) => ({ group, version }));
  const ordered = inOrder(all, (group, version) => services.priorityOf(group, version));
  assert.deepEqual(
    [...ordered],
    [
      ["apiregistration.k8s.io", ["v1"]],
      ["apps", ["v1"]],
      ["c", ["v1"]],
      ["a", ["v1"]],
      ["b", ["v3alpha1", "v1", "v2beta1"]],
      ["unregistered", ["v1"]],
    ],
  );
});

test("ApiServices tells of each change, and of what a new reading no longer has", () => {
  const changed: string[] = [];
  const services = new ApiServices((name) => changed.push(name));
  const object = (name: string) => ({ metadata: { name } }) as ApiObject;
  services.put(object("a"));
  services.remove(object("missing"));
  services.put(object("b"));
  services.remove(object("b"));
  services.clear();
  assert.deepEqual(changed, ["a", "b", "b", "a"]);
  assert.equal(services.generation, 4);
});
