import type { Environment } from "@marcbachmann/cel-js";
import { isSame } from "../equality.ts";

type Comparable = bigint | boolean | number | string | { valueOf(): bigint | number };

class Sets {}

/** Kubernetes' library for lists, and CEL's extension for lists that are sets. */
export function addLists(environment: Environment): void {
  environment
    .registerFunction("list.isSorted(): bool", isSorted)
    .registerFunction("list.sum(): dyn", sum)
    .registerFunction("list.min(): dyn", (list: Comparable[]) => extreme(list, "min"))
    .registerFunction("list.max(): dyn", (list: Comparable[]) => extreme(list, "max"))
    .registerFunction("list.indexOf(dyn): int", (list: unknown[], wanted: unknown) =>
      BigInt(list.findIndex((each) => isSame(each, wanted))),
    )
    .registerFunction("list.lastIndexOf(dyn): int", (list: unknown[], wanted: unknown) =>
      BigInt(list.findLastIndex((each) => isSame(each, wanted))),
    )
    .registerType("SetsNamespace", Sets)
    .registerConstant("sets", "SetsNamespace", new Sets())
    .registerFunction("SetsNamespace.contains(list, list): bool", contains)
    .registerFunction(
      "SetsNamespace.equivalent(list, list): bool",
      (sets: Sets, a: unknown[], b: unknown[]) => contains(sets, a, b) && contains(sets, b, a),
    )
    .registerFunction(
      "SetsNamespace.intersects(list, list): bool",
      (_: Sets, a: unknown[], b: unknown[]) => b.some(memberOf(a)),
    );
}

function contains(_: Sets, list: readonly unknown[], wanted: readonly unknown[]): boolean {
  return wanted.every(memberOf(list));
}

/** Linear in both lists where their items are strings, which they mostly are. */
function memberOf(list: readonly unknown[]): (value: unknown) => boolean {
  const known = new Set(list);
  return (value) => known.has(value) || list.some((each) => isSame(each, value));
}

function isSorted(list: readonly Comparable[]): boolean {
  return list.every((each, at) => at === 0 || (list[at - 1] as Comparable) <= each);
}

function sum(list: readonly (bigint | number)[]): bigint | number {
  const [first] = list;
  if (typeof first === "number") return (list as number[]).reduce((total, each) => total + each, 0);
  return (list as bigint[]).reduce((total, each) => total + each, 0n);
}

function extreme(list: readonly Comparable[], which: "max" | "min"): Comparable {
  const [first, ...rest] = list;
  if (first === undefined) throw new Error(`${which} called on empty list`);
  return rest.reduce(
    (best, each) => ((which === "min" ? each < best : each > best) ? each : best),
    first,
  );
}
