/** Columns as wide as their widest cell, three spaces between them: kubectl's look. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = columnWidths([header, ...rows]);
  return [header, ...rows].map((row) => formatRow(row, widths)).join("");
}

export function columnWidths(rows: readonly (readonly string[])[]): readonly number[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  }
  return widths;
}

export function formatRow(row: readonly string[], widths: readonly number[]): string {
  const cells = row.map((cell, at) =>
    at === row.length - 1 ? cell : cell.padEnd(widths[at] ?? 0),
  );
  return `${cells.join("   ").trimEnd()}\n`;
}
