/** Indented "Name:  value" lines, as `describe` shows them. */
export type Described =
  | string
  | readonly string[]
  | readonly (readonly [name: string, value: Described])[]
  | undefined;

const STEP = "  ";

/** Values of one level stand below one another; absent ones are left out. */
export function formatDescription(
  pairs: readonly (readonly [string, Described])[],
  indent = "",
): string {
  const shown = pairs.filter(([, value]) => value !== undefined);
  const width = Math.max(0, ...shown.map(([name]) => name.length)) + 3;
  return shown.map(([name, value]) => formatPair(name, value, indent, width)).join("");
}

function formatPair(name: string, value: Described, indent: string, width: number): string {
  const label = `${indent}${name}:`;
  if (typeof value === "string") return `${label.padEnd(indent.length + width)}${value}\n`;
  if (value === undefined || value.length === 0)
    return `${label.padEnd(indent.length + width)}<none>\n`;
  if (isLines(value)) {
    const [first = "", ...rest] = value;
    const pad = " ".repeat(indent.length + width);
    return `${label.padEnd(indent.length + width)}${[first, ...rest.map((line) => pad + line)].join("\n")}\n`;
  }
  return `${label}\n${formatDescription(value, indent + STEP)}`;
}

function isLines(value: Exclude<Described, string | undefined>): value is readonly string[] {
  return typeof value[0] === "string";
}
