/**
 * Mutations name what they make: `Object{spec: Object.spec{replicas: 3}}`, `JSONPatch{op: "remove", path: "/spec"}`. The
 * names say where in the object a struct belongs, which its place says already; without them it is a map of strings.
 */

const NAMED = new Set(["JSONPatch", "Object"]);
const IDENTIFIER = /[A-Za-z_][A-Za-z0-9_]*/y;
const SPACE = /(?:\s|\/\/[^\n]*)*/y;
/** A string literal, raw or not, with one quote or three. */
const STRING = /[rRbB]{0,2}("""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')/y;

/** The same expression, with its struct literals as maps. */
export function structsAsMaps(expression: string): string {
  return new Translation(expression).run();
}

class Translation {
  readonly #text: string;
  readonly #open: ("other" | "struct")[] = [];
  #at = 0;
  #out = "";
  /** The last sign that means something. */
  #before = "";

  constructor(text: string) {
    this.#text = text;
  }

  run(): string {
    while (this.#at < this.#text.length) {
      this.#copy(SPACE);
      if (this.#at >= this.#text.length) break;
      if (this.#copy(STRING)) this.#before = '"';
      else if (!this.#identifier()) this.#sign();
    }
    return this.#out;
  }

  #identifier(): boolean {
    const name = this.#match(IDENTIFIER);
    if (name === undefined) return false;
    const isKey = this.#isAtKey;
    const end = isKey || this.#before === "." || !NAMED.has(name) ? undefined : this.#literal();
    if (end === undefined) {
      this.#out += isKey ? JSON.stringify(name) : name;
      this.#at += name.length;
      this.#before = "a";
      return true;
    }
    this.#out += "{";
    this.#at = end;
    this.#open.push("struct");
    this.#before = "{";
    return true;
  }

  get #isAtKey(): boolean {
    return this.#open.at(-1) === "struct" && (this.#before === "{" || this.#before === ",");
  }

  /** Where the fields begin of a literal whose name stands here; undefined when none does. */
  #literal(): number | undefined {
    const found = /[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*\s*\{/y;
    found.lastIndex = this.#at;
    return found.test(this.#text) ? found.lastIndex : undefined;
  }

  #sign(): void {
    const sign = this.#text[this.#at] ?? "";
    if (sign === "?" && this.#isAtKey) {
      // An optional field: whether it is there, its value says.
      this.#at++;
      return;
    }
    if ("([{".includes(sign)) this.#open.push("other");
    if (")]}".includes(sign)) this.#open.pop();
    this.#out += sign;
    this.#at++;
    this.#before = sign;
  }

  #copy(pattern: RegExp): boolean {
    const text = this.#match(pattern);
    if (text === undefined || text === "") return false;
    this.#out += text;
    this.#at += text.length;
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.[0];
  }
}
