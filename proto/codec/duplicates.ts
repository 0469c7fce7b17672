/**
 * Names fields that stand twice in one object of a JSON text: JSON.parse keeps the last and says nothing.
 * Called only with text that JSON.parse has accepted, so it need not check anything.
 */
export function duplicateFields(text: string): readonly string[] {
  const scanner = new DuplicateScanner(text);
  scanner.value("");
  return scanner.found;
}

/** How many fields the objects in a value have. */
export function countParsed(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const values: unknown[] = Object.values(value);
  const own = Array.isArray(value) ? 0 : values.length;
  return values.reduce<number>((sum, item) => sum + countParsed(item), own);
}

const QUOTE = 34;
const COMMA = 44;
const LIST = 91;
const BACKSLASH = 92;
const OBJECT = 123;
const OBJECT_END = 125;
const LIST_END = 93;

class DuplicateScanner {
  readonly found: string[] = [];
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(path: string): void {
    const code = this.#next();
    if (code === OBJECT) this.#object(path);
    else if (code === LIST) this.#list(path);
    else if (code === QUOTE) this.#string();
    else this.#word();
  }

  #object(path: string): void {
    const seen = new Set<string>();
    this.#at++;
    while (this.#next() !== OBJECT_END) {
      if (this.#next() === COMMA) this.#at++;
      this.#next();
      const key = JSON.parse(this.#string()) as string;
      const below = path === "" ? key : `${path}.${key}`;
      if (seen.has(key)) this.found.push(below);
      seen.add(key);
      this.#next();
      this.#at++;
      this.value(below);
    }
    this.#at++;
  }

  #list(path: string): void {
    this.#at++;
    let index = 0;
    while (this.#next() !== LIST_END) {
      if (this.#next() === COMMA) this.#at++;
      this.value(`${path}[${index}]`);
      index++;
    }
    this.#at++;
  }

  #string(): string {
    const from = this.#at;
    this.#at++;
    while (this.#text.charCodeAt(this.#at) !== QUOTE) {
      this.#at += this.#text.charCodeAt(this.#at) === BACKSLASH ? 2 : 1;
    }
    this.#at++;
    return this.#text.slice(from, this.#at);
  }

  /** A number, true, false or null: up to whatever ends it. */
  #word(): void {
    while (this.#at < this.#text.length && !/[\s,\]}]/.test(this.#text.charAt(this.#at)))
      this.#at++;
  }

  /** Skips white space and answers the code that stands there. */
  #next(): number {
    while (this.#text.charCodeAt(this.#at) <= 32) this.#at++;
    return this.#text.charCodeAt(this.#at);
  }
}
