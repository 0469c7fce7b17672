const KI = 1024;
const UNITS = ["", "Ki", "Mi", "Gi", "Ti", "Pi"] as const;

/** An amount of a column as people write it: `120m`, `2`, `1.5Gi`. */
export function formatAmount(resource: string, amount: number): string {
  if (resource === "cpu") return amount % 1000 === 0 ? String(amount / 1000) : `${amount}m`;
  if (resource !== "memory" && resource !== "ephemeral-storage") return String(amount);
  let unit = 0;
  let value = amount;
  while (value >= KI && unit < UNITS.length - 1) {
    value /= KI;
    unit++;
  }
  return `${Number.isInteger(value) ? value : value.toFixed(1)}${UNITS[unit]}`;
}
