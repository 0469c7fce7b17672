/** From what stands in the table to what shall stand there: element by element. Pure. */
import { rulesOf } from "./chains.ts";
import { Elements, type ElementsName } from "./elements.ts";

export interface Change {
  readonly before: Elements;
  readonly after: Elements;
}

/** The commands of one transaction; empty when nothing changes. Chains that are needed are added to `chains`. */
export function planChanges(
  table: string,
  changes: readonly Change[],
  chains: Set<string>,
): string[] {
  const removals = new Elements();
  const additions = new Elements();
  const made: string[] = [];
  for (const { before, after } of changes) {
    for (const chain of after.chains) {
      if (chains.has(chain)) continue;
      chains.add(chain);
      made.push(...makeChain(table, chain));
    }
    compare(before, after, removals, additions);
  }
  // Removals first: a key may move to another value, or from one service to another.
  return [
    ...made,
    ...commandsFor("delete", table, removals),
    ...commandsFor("add", table, additions),
  ];
}

export function makeChain(table: string, chain: string): string[] {
  return [
    `add chain ip ${table} ${chain}`,
    `flush chain ip ${table} ${chain}`,
    ...rulesOf(chain).map((rule) => `add rule ip ${table} ${chain} ${rule}`),
  ];
}

export function commandsFor(verb: "add" | "delete", table: string, elements: Elements): string[] {
  return [...elements.names].flatMap((name) => {
    const all = [...elements.of(name)].map(([key, value]) =>
      value === "" ? key : `${key} : ${value}`,
    );
    return all.length === 0 ? [] : `${verb} element ip ${table} ${name} { ${all.join(", ")} }`;
  });
}

function compare(before: Elements, after: Elements, removals: Elements, additions: Elements): void {
  for (const name of before.names) {
    const wanted = after.of(name);
    for (const [key, value] of before.of(name))
      if (wanted.get(key) !== value) note(removals, name, key, value);
  }
  for (const name of after.names) {
    const there = before.of(name);
    for (const [key, value] of after.of(name))
      if (there.get(key) !== value) note(additions, name, key, value);
  }
}

function note(elements: Elements, name: ElementsName, key: string, value: string): void {
  elements.of(name).set(key, value);
}
