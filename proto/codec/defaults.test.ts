import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "#proto";
import { applyDefaults, decodeJson } from "./index.ts";

function defaulted(apiVersion: string, kind: string, spec: JsonObject): JsonObject {
  const of = { apiVersion, kind };
  const { object } = decodeJson(of, { spec }, { fieldValidation: "Strict" });
  assert.ok(object !== undefined);
  return (applyDefaults(of, object) as unknown as { spec: JsonObject }).spec;
}

test("applyDefaults() fills a pod as Kubernetes does", () => {
  const probe = { httpGet: { port: 80 } };
  const spec = defaulted("v1", "Pod", {
    containers: [{ name: "c", image: "x:1", ports: [{ containerPort: 80 }], livenessProbe: probe }],
  });
  assert.deepEqual(spec, {
    containers: [
      {
        name: "c",
        image: "x:1",
        ports: [{ containerPort: 80, protocol: "TCP" }],
        resources: {},
        livenessProbe: {
          httpGet: { path: "/", port: 80, scheme: "HTTP" },
          timeoutSeconds: 1,
          periodSeconds: 10,
          successThreshold: 1,
          failureThreshold: 3,
        },
        terminationMessagePath: "/dev/termination-log",
        terminationMessagePolicy: "File",
        imagePullPolicy: "IfNotPresent",
      },
    ],
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    securityContext: {},
    schedulerName: "default-scheduler",
    enableServiceLinks: true,
  });
});

const PULL: readonly (readonly [image: string, policy: string])[] = [
  ["nginx", "Always"],
  ["nginx:latest", "Always"],
  ["nginx:1.27", "IfNotPresent"],
  ["host:5000/nginx", "Always"],
  ["host:5000/nginx@sha256:00", "IfNotPresent"],
];
for (const [image, policy] of PULL) {
  test(`applyDefaults() pulls ${image} ${policy}`, () => {
    const { containers } = defaulted("v1", "Pod", { containers: [{ name: "c", image }] });
    assert.equal((containers as readonly JsonObject[])[0]?.["imagePullPolicy"], policy);
  });
}

test("applyDefaults() gives rolling numbers only to a rolling update", () => {
  const template = { spec: { containers: [{ name: "c", image: "x:1" }] } };
  const rolling = defaulted("apps/v1", "Deployment", { selector: {}, template });
  assert.deepEqual(rolling["strategy"], {
    type: "RollingUpdate",
    rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%" },
  });
  const recreate = defaulted("apps/v1", "Deployment", {
    selector: {},
    template,
    strategy: { type: "Recreate" },
  });
  assert.deepEqual(recreate["strategy"], { type: "Recreate" });
});

test("applyDefaults() takes a service's type into account", () => {
  assert.equal(defaulted("v1", "Service", {})["internalTrafficPolicy"], "Cluster");
  assert.equal(
    defaulted("v1", "Service", { type: "ExternalName" })["internalTrafficPolicy"],
    undefined,
  );
  assert.equal(
    defaulted("v1", "Service", { type: "NodePort" })["externalTrafficPolicy"],
    "Cluster",
  );
});

test("applyDefaults() changes nothing in place, and hands back what needs nothing", () => {
  const of = { apiVersion: "v1", kind: "Pod" };
  const { object } = decodeJson(of, { spec: { containers: [] } }, { fieldValidation: "Strict" });
  assert.ok(object !== undefined);
  const before = JSON.stringify(object);
  const once = applyDefaults(of, object);
  assert.equal(JSON.stringify(object), before);
  assert.equal(applyDefaults(of, once), once);
});

test("applyDefaults() takes an empty string for none where Go does", () => {
  const rule = { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget" }] };
  const spec = defaulted("batch/v1", "Job", {
    podFailurePolicy: { rules: [rule] },
    template: { spec: { containers: [{ name: "c" }] } },
  });
  const { rules } = spec["podFailurePolicy"] as { readonly rules: readonly JsonObject[] };
  assert.deepEqual(rules[0]?.["onPodConditions"], [{ type: "DisruptionTarget", status: "True" }]);
});
