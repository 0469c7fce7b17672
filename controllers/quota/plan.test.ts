import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApiObject } from "#proto";
import type { ResourceQuota } from "#proto/core/v1";
import { configMaps, pods, RESOURCES } from "#resources";
import { countedBy, quotaStatus } from "./plan.ts";

const quota = (hard: object, more: object = {}, status: object = {}): ResourceQuota =>
  ({ metadata: { name: "q" }, spec: { hard, ...more }, status }) as never;

const pod = (cpu?: string): ApiObject => {
  const requests = cpu === undefined ? {} : { cpu };
  const spec = { containers: [{ name: "c", resources: { requests } }] };
  return { metadata: { name: "p" }, spec, status: {} } as never;
};

test("countedBy() names the kinds that have to be read", () => {
  const hard = { "requests.cpu": "1", "count/deployments.apps": "1", secrets: "1" };
  const plurals = countedBy(quota(hard), RESOURCES).map(({ plural }) => plural);
  assert.deepEqual(plurals, ["pods", "secrets", "deployments"]);
});

test("quotaStatus() adds up what there is, in the quota's own names", () => {
  const hard = { "requests.cpu": "1", pods: "9", configmaps: "5" };
  const objects = new Map([
    [pods, [pod("250m"), pod("1500m"), pod()]],
    [configMaps, []],
  ]);
  assert.deepEqual(quotaStatus(quota(hard), objects, 0), {
    hard,
    used: { "requests.cpu": "1750m", pods: "3", configmaps: "0" },
  });
});

test("quotaStatus() counts what is in scope", () => {
  const scoped = quota({ pods: "9" }, { scopes: ["BestEffort"] });
  const status = quotaStatus(scoped, new Map([[pods, [pod("1"), pod()]]]), 0);
  assert.deepEqual(status.used, { pods: "1" });
});

test("quotaStatus() keeps the count of kinds that it does not know", () => {
  const name = "count/widgets.example.com";
  const status = { hard: { [name]: "5" }, used: { [name]: "2" } };
  assert.deepEqual(quotaStatus(quota({ [name]: "5" }, {}, status), new Map(), 0), status);
});
