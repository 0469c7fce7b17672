/**
 * How much of a set is in another that is still text. Of the managers of an object a write mostly touches none, and its own
 * owns what it changes already: reading this off the text costs a fifth of decoding it, and leaves nothing behind.
 */
import type { FieldSet } from "./field-set.ts";

/** How many of the set's places are in `text`, which `encodeFields` made. */
export function countPlaces(text: string, set: FieldSet): number {
  return new Reader(text).count(set, false);
}

/** How many places there are in the set. */
export function sizeOf(set: FieldSet): number {
  let size = set.has ? 1 : 0;
  for (const child of set.children.values()) size += sizeOf(child);
  return size;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** From a brace to behind its partner. `isBelow`: an empty object says that its place is there. */
  count(set: FieldSet, isBelow: boolean): number {
    let found = 0;
    this.#at++;
    let has = isBelow && this.#text.charCodeAt(this.#at) === CLOSE;
    while (this.#text.charCodeAt(this.#at) !== CLOSE) {
      if (this.#text.charCodeAt(this.#at) === COMMA) this.#at++;
      const element = this.#element();
      has ||= element === ".";
      const child = set.children.get(element);
      if (child === undefined) this.#skip();
      else found += this.count(child, true);
    }
    this.#at++;
    return has && set.has ? found + 1 : found;
  }

  /** From its quote to behind the colon. */
  #element(): string {
    const from = this.#at;
    const isPlain = this.#string();
    const quoted = this.#text.slice(from, this.#at);
    this.#at++;
    return isPlain ? quoted.slice(1, -1) : (JSON.parse(quoted) as string);
  }

  /** Whether it holds nothing that is escaped. */
  #string(): boolean {
    let isPlain = true;
    for (this.#at++; this.#text.charCodeAt(this.#at) !== QUOTE; this.#at++) {
      if (this.#text.charCodeAt(this.#at) !== BACKSLASH) continue;
      isPlain = false;
      this.#at++;
    }
    this.#at++;
    return isPlain;
  }

  #skip(): void {
    let depth = 0;
    do {
      const code = this.#text.charCodeAt(this.#at);
      if (code === QUOTE) {
        this.#string();
        continue;
      }
      if (code === OPEN) depth++;
      else if (code === CLOSE) depth--;
      this.#at++;
    } while (depth > 0);
  }
}
