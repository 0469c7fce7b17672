import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ResourceLimits } from "../../runtime/runtime.ts";
import { type GroupLimits, limitPhases } from "./steps.ts";

const quota = (cpuQuotaUs: number): ResourceLimits => ({ cpuQuotaUs, cpuPeriodUs: 100_000 });
const groups = (sandbox: ResourceLimits, main: ResourceLimits): GroupLimits => ({
  sandbox,
  containers: new Map([["main", main]]),
});

test("a pod that grows does so before its container", () => {
  assert.deepEqual(limitPhases(groups(quota(10), quota(10)), groups(quota(20), quota(20))), [
    [{ limits: quota(20) }],
    [{ container: "main", limits: quota(10) }],
    [],
    [{ container: "main", limits: quota(20) }],
  ]);
});

test("a container that shrinks does so before its pod", () => {
  assert.deepEqual(limitPhases(groups(quota(20), quota(20)), groups(quota(10), quota(10))), [
    [{ limits: quota(20) }],
    [{ container: "main", limits: quota(10) }],
    [{ limits: quota(10) }],
    [],
  ]);
});

test("a first limit is less than none, and the last that goes is more than any", () => {
  const none = { cpuShares: 2 };
  const some = { cpuShares: 2, memoryBytesMax: 64 };
  assert.deepEqual(limitPhases(groups(none, none), groups(some, some)).slice(1), [
    [{ container: "main", limits: some }],
    [{ limits: some }],
    [],
  ]);
  assert.deepEqual(limitPhases(groups(some, some), groups(none, none)), [
    [{ limits: none }],
    [{ container: "main", limits: some }],
    [],
    [{ container: "main", limits: none }],
  ]);
});

const amounts = fc.record({
  cpuQuotaUs: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
  memoryBytesMax: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
});
type Amounts = { readonly [name in "cpuQuotaUs" | "memoryBytesMax"]: number | undefined };

/** Limits of containers with a pod that has their sum. */
function summed(containers: readonly Amounts[]): GroupLimits {
  const sum = (name: keyof Amounts): number | undefined => {
    const all = containers.map((each) => each[name]);
    return all.some((each) => each === undefined)
      ? undefined
      : all.reduce<number>((total, each) => total + (each ?? 0), 0);
  };
  const whole = { cpuQuotaUs: sum("cpuQuotaUs"), memoryBytesMax: sum("memoryBytesMax") };
  return {
    sandbox: limits(whole),
    containers: new Map(containers.map((each, at) => [`c${at}`, limits(each)])),
  };
}

function limits({ cpuQuotaUs, memoryBytesMax }: Amounts): ResourceLimits {
  return {
    ...(cpuQuotaUs === undefined ? {} : { cpuQuotaUs, cpuPeriodUs: 100_000 }),
    ...(memoryBytesMax === undefined ? {} : { memoryBytesMax }),
  };
}

test("at no step containers have more than their pod, wherever it breaks off and begins again", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(amounts, amounts), { minLength: 1, maxLength: 3 }),
      fc.nat(20),
      (pairs, breakAt) => {
        const has = summed(pairs.map(([before]) => before));
        const wanted = summed(pairs.map(([, after]) => after));
        const kernel = { sandbox: has.sandbox, containers: new Map(has.containers) };
        const steps = limitPhases(has, wanted).flat();
        for (const step of [...steps.slice(0, breakAt), ...steps]) {
          if (step.container === undefined) kernel.sandbox = step.limits;
          else kernel.containers.set(step.container, step.limits);
          for (const name of ["cpuQuotaUs", "memoryBytesMax"] as const) {
            const most = kernel.sandbox[name] ?? Number.POSITIVE_INFINITY;
            const own = [...kernel.containers.values()].map((each) => each[name]);
            // Without a limit of its own a container is held by its pod's.
            const sum = own.reduce<number>((total, each) => total + (each ?? 0), 0);
            assert.ok(sum <= most, `${name}: ${sum} in a pod with ${most}`);
          }
        }
        assert.deepEqual(kernel.sandbox, wanted.sandbox);
        assert.deepEqual(kernel.containers, wanted.containers);
      },
    ),
  );
});
