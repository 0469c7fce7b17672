/** A number as it is, or a share of a total, `25%`, rounded up or down. NaN for text that is neither. */
export function scaledValue(
  value: number | string | undefined,
  total: number,
  round: "down" | "up",
): number {
  if (value === undefined) return 0;
  if (typeof value === "number") return value;
  const percent = /^(\d+)%$/.exec(value)?.[1];
  if (percent === undefined) return /^\d+$/.test(value) ? Number(value) : Number.NaN;
  const exact = (Number(percent) * total) / 100;
  return round === "up" ? Math.ceil(exact) : Math.floor(exact);
}
