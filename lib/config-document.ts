/**
 * Reads a configuration file in YAML or JSON strictly: every value is asked for by name and kind, whatever is left over is
 * a mistake, and each mistake names its line and its field.
 */
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { KUBERNETES_YAML } from "./yaml.ts";

/** Everything that is wrong with a file, a line each. */
export class ConfigError extends Error {
  override readonly name: string = "ConfigError";
}

interface Reading {
  readonly file: string;
  readonly lines: LineCounter;
  readonly problems: string[];
}

/** More would not be read by anybody. */
const PROBLEMS_MAX = 20;

/** What `read` makes of the file's text. Throws a ConfigError with all problems of it. `file` is its name, for messages. */
export function readConfig<T>(file: string, text: string, read: (root: ConfigNode) => T): T {
  const lines = new LineCounter();
  const document = parseDocument(text, { ...KUBERNETES_YAML, lineCounter: lines });
  const reading: Reading = { file, lines, problems: [] };
  for (const { message, pos } of document.errors)
    reading.problems.push(`${at(reading, pos[0])}: ${message.split("\n")[0]}`);
  failIfAny(reading);
  const value = read(new ConfigNode(reading, document.contents, ""));
  failIfAny(reading);
  return value;
}

function failIfAny({ problems }: Reading): void {
  if (problems.length === 0) return;
  const more = problems.length - PROBLEMS_MAX;
  const shown = problems.slice(0, PROBLEMS_MAX);
  throw new ConfigError([...shown, ...(more > 0 ? [`and ${more} more`] : [])].join("\n"));
}

function at({ file, lines }: Reading, offset: number): string {
  return `${file}: line ${lines.linePos(offset).line}`;
}

/** One value of the file. Whatever is wrong is noted, and something of the right kind is given all the same. */
export class ConfigNode {
  readonly #reading: Reading;
  readonly #node: Node | null;
  readonly path: string;
  readonly #asked = new Set<string>();

  constructor(reading: Reading, node: Node | null, path: string) {
    this.#reading = reading;
    this.#node = node;
    this.path = path;
  }

  problem(message: string): void {
    const where = at(this.#reading, this.#node?.range?.[0] ?? 0);
    this.#reading.problems.push(`${where}: ${this.path === "" ? "" : `${this.path}: `}${message}`);
  }

  /** Undefined when it is not there, or null. */
  field(name: string): ConfigNode | undefined {
    this.#asked.add(name);
    if (!isMap(this.#node)) return undefined;
    const value = this.#node.get(name, true) as Node | undefined;
    if (value === undefined || (isScalar(value) && value.value === null)) return undefined;
    return new ConfigNode(this.#reading, value, this.path === "" ? name : `${this.path}.${name}`);
  }

  /** A field that has to be there. */
  required(name: string): ConfigNode | undefined {
    const found = this.field(name);
    if (found === undefined && isMap(this.#node))
      this.problem(`${name}: Required value: it is missing`);
    return found;
  }

  /** To be called when all fields have been asked for: others are mistakes. */
  end(): void {
    if (!isMap(this.#node)) {
      this.problem("must be an object, with fields");
      return;
    }
    for (const { key } of this.#node.items) {
      const name = isScalar(key) ? String(key.value) : String(key);
      if (this.#asked.has(name)) continue;
      const known = [...this.#asked].join(", ");
      const path = this.path === "" ? name : `${this.path}.${name}`;
      new ConfigNode(this.#reading, key as Node, path).problem(`unknown field; there are ${known}`);
    }
  }

  get text(): string {
    if (isScalar(this.#node) && typeof this.#node.value === "string") return this.#node.value;
    this.problem(`must be text, not ${this.#shown()}`);
    return "";
  }

  get boolean(): boolean {
    if (isScalar(this.#node) && typeof this.#node.value === "boolean") return this.#node.value;
    this.problem(`must be true or false, not ${this.#shown()}`);
    return false;
  }

  get items(): readonly ConfigNode[] {
    if (isSeq(this.#node))
      return this.#node.items.map(
        (item, index) =>
          new ConfigNode(this.#reading, item as Node | null, `${this.path}[${index}]`),
      );
    this.problem(`must be a list, not ${this.#shown()}`);
    return [];
  }

  get texts(): readonly string[] {
    return this.items.map((item) => item.text);
  }

  /** One of a closed list of words. */
  word<T extends string>(words: readonly T[]): T | undefined {
    const { text } = this;
    const found = words.find((word) => word === text);
    if (found === undefined && text !== "")
      this.problem(`Unsupported value: ${JSON.stringify(text)}: use ${words.join(", ")}`);
    return found;
  }

  #shown(): string {
    if (isMap(this.#node)) return "an object";
    if (isSeq(this.#node)) return "a list";
    return isScalar(this.#node) ? JSON.stringify(this.#node.value) : "nothing";
  }
}

/** `apiVersion` and `kind` of the file, which must be one of these versions of this kind. */
export function checkKind(root: ConfigNode, kind: string, apiVersions: readonly string[]): void {
  root.required("apiVersion")?.word(apiVersions);
  root.required("kind")?.word([kind]);
}
