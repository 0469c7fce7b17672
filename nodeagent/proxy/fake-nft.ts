/** A small second nftables for tests: it holds maps, sets and chains, and refuses what the kernel refuses. */
export class FakeNft {
  readonly elements = new Map<string, Map<string, string>>();
  readonly rules = new Map<string, string[]>();

  /** Wholly or not at all. */
  run(commands: string): void {
    const elements = new Map([...this.elements].map(([name, map]) => [name, new Map(map)]));
    const rules = new Map([...this.rules].map(([chain, list]) => [chain, [...list]]));
    for (const line of commands.split("\n")) step(line, elements, rules);
    replace(this.elements, elements);
    replace(this.rules, rules);
  }
}

type ElementMaps = Map<string, Map<string, string>>;
type ChainRules = Map<string, string[]>;

function step(line: string, elements: ElementMaps, rules: ChainRules): void {
  const [, verb, noun, name = "", rest = ""] = /^(\w+) (\w+) ip \S+ ?(\S*) ?(.*)$/.exec(line) ?? [];
  switch (`${verb} ${noun}`) {
    case "add table":
      return;
    case "delete table":
      elements.clear();
      rules.clear();
      return;
    case "flush table":
      for (const chain of rules.keys()) rules.set(chain, []);
      return;
    case "add map":
    case "add set":
      if (!elements.has(name)) elements.set(name, new Map());
      return;
    case "flush map":
    case "flush set":
      existing(elements, name).clear();
      return;
    case "add chain":
      if (!rules.has(name)) rules.set(name, []);
      return;
    case "flush chain":
      existing(rules, name).length = 0;
      return;
    case "add rule":
      existing(rules, name).push(rest);
      return;
    case "add element":
    case "delete element":
      change(verb ?? "", existing(elements, name), rest, rules);
      return;
    default:
      throw new Error(`nft: cannot read "${line}"`);
  }
}

function change(verb: string, map: Map<string, string>, text: string, rules: ChainRules): void {
  for (const element of text.replace(/^\{ | \}$/g, "").split(", ")) {
    const [key = "", value = ""] = element.split(" : ");
    if (verb === "delete") {
      if (!map.delete(key)) throw new Error(`nft: no element ${key}`);
      continue;
    }
    if (map.has(key) && map.get(key) !== value) throw new Error(`nft: element ${key} exists`);
    const chain = /^goto (.*)$/.exec(value)?.[1];
    if (chain !== undefined) existing(rules, chain);
    map.set(key, value);
  }
}

function existing<T>(map: Map<string, T>, name: string): T {
  const found = map.get(name);
  if (found === undefined) throw new Error(`nft: no ${name}`);
  return found;
}

function replace<T>(map: Map<string, T>, by: Map<string, T>): void {
  map.clear();
  for (const [key, value] of by) map.set(key, value);
}
