/** Names that are keywords of CEL. */
const RESERVED = new Set(
  "true false null in as break const continue else for function if import let loop package namespace return var void while".split(
    " ",
  ),
);

const ESCAPES: readonly (readonly [string, string])[] = [
  ["__", "__underscores__"],
  [".", "__dot__"],
  ["-", "__dash__"],
  ["/", "__slash__"],
];

/** A field's name as rules write it; undefined for one that they cannot. https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#property-names */
export function escapedName(name: string): string | undefined {
  if (RESERVED.has(name)) return `__${name}__`;
  const escaped = ESCAPES.reduce((text, [from, to]) => text.replaceAll(from, to), name);
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(escaped) ? escaped : undefined;
}
