import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Deployment, ReplicaSet } from "#proto/apps/v1";
import { rolloutLimits } from "./limits.ts";
import { planDeployment } from "./plan.ts";
import { sizeOf, sum } from "./rolling-update.ts";

function deployment(replicas: number, strategy: object = {}, more: object = {}): Deployment {
  return {
    metadata: { name: "web", uid: "d", generation: 1 },
    spec: {
      replicas,
      strategy: {
        type: "RollingUpdate",
        rollingUpdate: { maxSurge: 1, maxUnavailable: 0 },
        ...strategy,
      },
      template: template("new"),
      revisionHistoryLimit: 2,
      ...more,
    },
    status: {},
  } as unknown as Deployment;
}

function template(version: string): object {
  return {
    metadata: { labels: { app: "web" } },
    spec: { containers: [{ name: "c", image: version }] },
  };
}

function set(
  version: string,
  size: number,
  available = size,
  revision = 1,
  sizedFor?: number,
): ReplicaSet {
  return {
    metadata: {
      name: version,
      uid: version,
      generation: 1,
      creationTimestamp: `2026-01-0${revision}T00:00:00Z`,
      annotations: {
        "deployment.kubernetes.io/revision": String(revision),
        ...(sizedFor === undefined
          ? {}
          : {
              "deployment.kubernetes.io/desired-replicas": String(sizedFor),
              "deployment.kubernetes.io/max-replicas": String(sizedFor + 1),
            }),
      },
    },
    spec: { replicas: size, template: template(version) },
    status: {
      replicas: size,
      availableReplicas: available,
      readyReplicas: available,
      observedGeneration: 1,
    },
  } as unknown as ReplicaSet;
}

const sizes = (plan: ReturnType<typeof planDeployment>): object =>
  Object.fromEntries(plan.scale.map((each) => [each.set.metadata.name, each.replicas]));

test("planDeployment() makes the first ReplicaSet with all replicas", () => {
  assert.deepEqual(planDeployment(deployment(3), [], false).create, { replicas: 3, revision: 1 });
});

test("planDeployment() makes a new one with what the surge permits, as the next revision", () => {
  assert.deepEqual(planDeployment(deployment(3), [set("old", 3, 3, 4)], false).create, {
    replicas: 1,
    revision: 5,
  });
});

test("planDeployment() ends old pods only as new ones are available", () => {
  const waiting = planDeployment(deployment(3), [set("old", 3), set("new", 1, 0, 2)], false);
  assert.deepEqual(sizes(waiting), {});
  const served = planDeployment(deployment(3), [set("old", 3), set("new", 1, 1, 2)], false);
  assert.deepEqual(sizes(served), { old: 2 });
});

test("planDeployment() ends old pods that serve nobody at once", () => {
  const plan = planDeployment(
    deployment(3, { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } }),
    [set("old", 3, 1), set("new", 0, 0, 2)],
    false,
  );
  assert.deepEqual(sizes(plan), { old: 2 });
});

test("planDeployment() gives an old template that is back the newest revision", () => {
  const plan = planDeployment(deployment(3), [set("new", 0, 0, 1), set("old", 3, 3, 2)], false);
  assert.equal(plan.revision, 3);
});

test("planDeployment() waits for old pods to be gone before it recreates", () => {
  const recreate = deployment(2, { type: "Recreate", rollingUpdate: undefined });
  assert.deepEqual(sizes(planDeployment(recreate, [set("old", 2)], true)), { old: 0 });
  assert.equal(planDeployment(recreate, [set("old", 0)], true).create, undefined);
  assert.deepEqual(planDeployment(recreate, [set("old", 0)], false).create, {
    replicas: 2,
    revision: 2,
  });
});

test("planDeployment() scales in proportion in the middle of a rollout", () => {
  const plan = planDeployment(
    deployment(20),
    [set("old", 8, 8, 1, 10), set("new", 3, 1, 2, 10)],
    false,
  );
  assert.equal(
    Object.values(sizes(plan)).reduce((total: number, each) => total + (each as number), 0),
    21,
  );
});

test("planDeployment() keeps to the history", () => {
  const idle = [1, 2, 3, 4].map((revision) => set(`v${revision}`, 0, 0, revision));
  const plan = planDeployment(deployment(1), [...idle, set("new", 1, 1, 5)], false);
  assert.deepEqual(
    plan.remove.map((each) => each.metadata.name),
    ["v1", "v2"],
  );
});

test("planDeployment() does nothing to a paused Deployment but scale it", () => {
  const plan = planDeployment(deployment(5, {}, { paused: true }), [set("old", 3, 3, 1, 3)], false);
  assert.equal(plan.create, undefined);
  assert.deepEqual(sizes(plan), { old: 5 });
});

test("rollouts end with only the new one, and never leave the limits on the way", () => {
  const value = fc.oneof(fc.nat(4), fc.constantFrom("0%", "25%", "50%", "100%"));
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 30 }),
      value,
      value,
      (replicas, maxSurge, maxUnavailable) => {
        const wanted = deployment(replicas, { rollingUpdate: { maxSurge, maxUnavailable } });
        const limits = rolloutLimits(wanted);
        let sets: readonly ReplicaSet[] = [set("old", replicas)];
        for (let step = 0; step < 200; step++) {
          const plan = planDeployment(wanted, sets, false);
          if (plan.create !== undefined) sets = [...sets, set("new", plan.create.replicas, 0, 2)];
          sets = sets.map((each) => {
            const scaled = plan.scale.find((other) => other.set === each);
            const size = scaled?.replicas ?? sizeOf(each);
            // Whatever was asked for becomes available before the next step.
            return set(each.metadata.name, size, size, each.metadata.name === "new" ? 2 : 1);
          });
          assert.ok(sum(sets, sizeOf) <= replicas + limits.maxSurge, "never above the surge");
          assert.ok(
            sum(sets, sizeOf) >= replicas - limits.maxUnavailable,
            "never below what must be available",
          );
        }
        assert.deepEqual(
          sets.map((each) => [each.metadata.name, sizeOf(each)]),
          [
            ["old", 0],
            ["new", replicas],
          ],
        );
      },
    ),
  );
});
