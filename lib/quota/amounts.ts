/** Lists of resources, as quotas have them: adding, comparing, telling. */
import { parseQuantity, Quantity } from "../api/quantity.ts";

export type Amounts = Readonly<Record<string, Quantity>>;

const NONE = new Quantity(0n);

export function parseAmounts(texts: Readonly<Record<string, string>> | undefined): Amounts {
  return mapAmounts(Object.entries(texts ?? {}), (text) => parseQuantity(text));
}

export function formatAmounts(amounts: Amounts): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(amounts).map(([name, each]) => [name, String(each)]));
}

export function sumAmounts(a: Amounts, b: Amounts): Amounts {
  const added = mapAmounts(Object.entries(b), (each, name) => (a[name] ?? NONE).add(each));
  return { ...a, ...added };
}

/** What `a` has more than `b`, of each resource; where it has less, nothing. */
export function excessAmounts(a: Amounts, b: Amounts): Amounts {
  const rest = mapAmounts(Object.entries(a), (each, name) => each.subtract(b[name] ?? NONE));
  return pick(rest, (_name, each) => each.nanos > 0n);
}

export function onlyNamed(amounts: Amounts, names: ReadonlySet<string>): Amounts {
  return pick(amounts, (name) => names.has(name));
}

/** `cpu=1,pods=2`: by name, as Kubernetes' messages have it. */
export function amountsText(amounts: Amounts): string {
  return Object.keys(amounts)
    .toSorted()
    .map((name) => `${name}=${amounts[name]}`)
    .join(",");
}

function pick(amounts: Amounts, isWanted: (name: string, amount: Quantity) => boolean): Amounts {
  return Object.fromEntries(Object.entries(amounts).filter(([name, each]) => isWanted(name, each)));
}

function mapAmounts<T>(
  entries: readonly (readonly [name: string, value: T])[],
  of: (value: T, name: string) => Quantity,
): Amounts {
  return Object.fromEntries(entries.map(([name, value]) => [name, of(value, name)]));
}
