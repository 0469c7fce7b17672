import type { Environment } from "@marcbachmann/cel-js";
import { parseQuantity, Quantity, tryParseQuantity } from "#lib/api/quantity";

const UNIT = 1_000_000_000n;

/** Kubernetes' quantities in CEL: `quantity("1.5Gi").isGreaterThan(quantity("1Gi"))`. */
export function addQuantities(environment: Environment): void {
  const type = "kubernetes.Quantity";
  environment
    .registerType(type, { ctor: Quantity })
    .registerFunction(`quantity(string): ${type}`, (text: string) => parseQuantity(text))
    .registerFunction(
      "isQuantity(string): bool",
      (text: string) => tryParseQuantity(text) !== undefined,
    )
    .registerFunction(`${type}.sign(): int`, (q: Quantity) => BigInt(q.compare(new Quantity(0n))))
    .registerFunction(`${type}.isInteger(): bool`, (q: Quantity) => q.nanos % UNIT === 0n)
    .registerFunction(`${type}.asInteger(): int`, asInteger)
    .registerFunction(
      `${type}.asApproximateFloat(): double`,
      (q: Quantity) => Number(q.nanos) / 1e9,
    )
    .registerFunction(`${type}.compareTo(${type}): int`, (a: Quantity, b: Quantity) =>
      BigInt(a.compare(b)),
    )
    .registerFunction(
      `${type}.isGreaterThan(${type}): bool`,
      (a: Quantity, b: Quantity) => a.compare(b) > 0,
    )
    .registerFunction(
      `${type}.isLessThan(${type}): bool`,
      (a: Quantity, b: Quantity) => a.compare(b) < 0,
    )
    .registerFunction(`${type}.add(${type}): ${type}`, (a: Quantity, b: Quantity) => a.add(b))
    .registerFunction(`${type}.add(int): ${type}`, (a: Quantity, b: bigint) =>
      a.add(new Quantity(b * UNIT)),
    )
    .registerFunction(`${type}.sub(${type}): ${type}`, (a: Quantity, b: Quantity) => a.subtract(b))
    .registerFunction(`${type}.sub(int): ${type}`, (a: Quantity, b: bigint) =>
      a.subtract(new Quantity(b * UNIT)),
    )
    .registerOperator(`${type} == ${type}`, (a: Quantity, b: Quantity) => a.compare(b) === 0);
}

function asInteger(quantity: Quantity): bigint {
  if (quantity.nanos % UNIT === 0n) return quantity.nanos / UNIT;
  throw new Error("cannot convert value to integer");
}
