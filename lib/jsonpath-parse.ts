import type { JsonValue } from "#lib/json";

/** The text is no JSONPath template; the message says where and why. */
export class JsonPathError extends Error {
  override readonly name = "JsonPathError";
}

export type Step =
  | { readonly kind: "root" }
  | { readonly kind: "field"; readonly name: string }
  | { readonly kind: "wildcard" }
  | { readonly kind: "descend" }
  | { readonly kind: "index"; readonly index: number }
  | {
      readonly kind: "slice";
      readonly from: number | undefined;
      readonly to: number | undefined;
      readonly every: number;
    }
  | { readonly kind: "union"; readonly steps: readonly Exclude<Step, { kind: "root" }>[] }
  | { readonly kind: "filter"; readonly expression: Expression };

export type Operand =
  | { readonly kind: "literal"; readonly value: JsonValue }
  | { readonly kind: "path"; readonly steps: readonly Step[] };

export type Expression =
  | { readonly operator: undefined; readonly left: Operand }
  | {
      readonly operator: "!=" | "<" | "<=" | "==" | ">" | ">=";
      readonly left: Operand;
      readonly right: Operand;
    };

export type TemplatePart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "path"; readonly steps: readonly Step[] }
  | {
      readonly kind: "range";
      readonly steps: readonly Step[];
      readonly body: readonly TemplatePart[];
    };

export function parseTemplate(template: string): readonly TemplatePart[] {
  const parser = new Parser(template);
  const parts = parser.parts(false);
  parser.expectEnd();
  return parts;
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };
const NAME = /[^\s.[\](){}'"=!<>,]/;

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parts(insideRange: boolean): TemplatePart[] {
    const parts: TemplatePart[] = [];
    while (this.#at < this.#text.length) {
      if (this.#text.startsWith("{end}", this.#at)) {
        if (!insideRange) throw this.#error("{end} without {range}");
        return parts;
      }
      parts.push(this.#peek() === "{" ? this.#action() : this.#textPart());
    }
    if (insideRange) throw this.#error("{range} lacks its {end}");
    return parts;
  }

  expectEnd(): void {
    if (this.#at < this.#text.length) throw this.#error("unexpected text");
  }

  #textPart(): TemplatePart {
    const end = this.#text.indexOf("{", this.#at);
    const text = this.#text.slice(this.#at, end === -1 ? undefined : end);
    this.#at += text.length;
    return { kind: "text", text };
  }

  #action(): TemplatePart {
    this.#expect("{");
    this.#skipSpace();
    if (this.#peek() === '"' || this.#peek() === "'") {
      const text = this.#quoted();
      this.#skipSpace();
      this.#expect("}");
      return { kind: "text", text };
    }
    if (this.#text.startsWith("range", this.#at)) return this.#range();
    const steps = this.#steps();
    this.#skipSpace();
    this.#expect("}");
    return { kind: "path", steps };
  }

  #range(): TemplatePart {
    this.#at += "range".length;
    this.#skipSpace();
    const steps = this.#steps();
    this.#skipSpace();
    this.#expect("}");
    const body = this.parts(true);
    this.#at += "{end}".length;
    return { kind: "range", steps, body };
  }

  #steps(): Step[] {
    const steps: Step[] = [];
    for (;;) {
      // The current value, which every path starts from anyway.
      if (this.#peek() === "@") this.#at++;
      const found = this.#step(steps.length === 0);
      if (found === undefined) return steps;
      steps.push(...found);
    }
  }

  /** The steps that stand next, or undefined where the path ends. */
  #step(isFirst: boolean): Step[] | undefined {
    switch (this.#peek()) {
      case "$":
        this.#at++;
        return [{ kind: "root" }];
      case "[":
        return [this.#bracket()];
      case ".":
        return this.#dotted();
      default:
        return isFirst && this.#isName() ? [this.#fieldOrWildcard()] : undefined;
    }
  }

  #dotted(): Step[] {
    this.#at++;
    if (this.#peek() === ".") {
      this.#at++;
      const descend: Step = { kind: "descend" };
      return this.#peek() === "[" ? [descend] : [descend, this.#fieldOrWildcard()];
    }
    return this.#isName() || this.#peek() === "*" ? [this.#fieldOrWildcard()] : [];
  }

  #fieldOrWildcard(): Exclude<Step, { kind: "root" }> {
    if (this.#peek() === "*") {
      this.#at++;
      return { kind: "wildcard" };
    }
    let name = "";
    // A backslash keeps a dot in a name: `.metadata.labels.app\.kubernetes\.io/name`.
    while (this.#isName() || this.#peek() === "\\") {
      if (this.#peek() === "\\") this.#at++;
      name += this.#text[this.#at++] ?? "";
    }
    if (name === "") throw this.#error("expected a field name");
    return { kind: "field", name };
  }

  #bracket(): Exclude<Step, { kind: "root" }> {
    this.#expect("[");
    this.#skipSpace();
    const steps: Exclude<Step, { kind: "root" }>[] = [this.#inBrackets()];
    this.#skipSpace();
    while (this.#peek() === ",") {
      this.#at++;
      this.#skipSpace();
      steps.push(this.#inBrackets());
      this.#skipSpace();
    }
    this.#expect("]");
    const [only] = steps;
    return steps.length === 1 && only !== undefined ? only : { kind: "union", steps };
  }

  #inBrackets(): Exclude<Step, { kind: "root" }> {
    switch (this.#peek()) {
      case "*":
        this.#at++;
        return { kind: "wildcard" };
      case "?":
        return this.#filter();
      case "'":
      case '"':
        return { kind: "field", name: this.#quoted() };
      default:
        return this.#indexOrSlice();
    }
  }

  #indexOrSlice(): Exclude<Step, { kind: "root" }> {
    const found = /^(-?\d+)?(:)?(-?\d+)?(?::(\d+))?/.exec(this.#text.slice(this.#at));
    const [all = "", from, colon, to, every] = found ?? [];
    if (all === "")
      throw this.#error("expected an index, a slice, a name in quotes, `*` or a filter");
    this.#at += all.length;
    if (colon === undefined) return { kind: "index", index: Number(from) };
    const number = (text: string | undefined): number | undefined =>
      text === undefined ? undefined : Number(text);
    return { kind: "slice", from: number(from), to: number(to), every: number(every) ?? 1 };
  }

  #filter(): Exclude<Step, { kind: "root" }> {
    this.#expect("?");
    this.#expect("(");
    this.#skipSpace();
    const left = this.#operand();
    this.#skipSpace();
    const operator = /^(==|!=|<=|>=|<|>)/.exec(this.#text.slice(this.#at))?.[1];
    if (operator === undefined) {
      this.#expect(")");
      return { kind: "filter", expression: { operator: undefined, left } };
    }
    this.#at += operator.length;
    this.#skipSpace();
    const right = this.#operand();
    this.#skipSpace();
    this.#expect(")");
    const known = operator as "!=" | "<" | "<=" | "==" | ">" | ">=";
    return { kind: "filter", expression: { operator: known, left, right } };
  }

  #operand(): Operand {
    const next = this.#peek();
    if (next === "'" || next === '"') return { kind: "literal", value: this.#quoted() };
    if (next === "@" || next === "$" || next === ".") return { kind: "path", steps: this.#steps() };
    const word = /^[^\s)=!<>]+/.exec(this.#text.slice(this.#at))?.[0] ?? "";
    this.#at += word.length;
    if (word === "true" || word === "false") return { kind: "literal", value: word === "true" };
    const number = Number(word);
    if (word === "" || Number.isNaN(number))
      throw this.#error("expected a path, a number or text in quotes");
    return { kind: "literal", value: number };
  }

  #quoted(): string {
    const quote = this.#text[this.#at++];
    let text = "";
    for (let next = this.#peek(); next !== quote; next = this.#peek()) {
      if (next === undefined) throw this.#error("a quote is not closed");
      this.#at++;
      if (next !== "\\") {
        text += next;
        continue;
      }
      const escaped = this.#text[this.#at++] ?? "";
      text += ESCAPES[escaped] ?? escaped;
    }
    this.#at++;
    return text;
  }

  #isName(): boolean {
    return NAME.test(this.#peek() ?? " ");
  }

  #peek(): string | undefined {
    return this.#text[this.#at];
  }

  #skipSpace(): void {
    while (/\s/.test(this.#peek() ?? "")) this.#at++;
  }

  #expect(text: string): void {
    if (!this.#text.startsWith(text, this.#at))
      throw this.#error(`expected ${JSON.stringify(text)}`);
    this.#at += text.length;
  }

  #error(why: string): JsonPathError {
    return new JsonPathError(
      `jsonpath ${JSON.stringify(this.#text)}: ${why} at character ${this.#at + 1}`,
    );
  }
}
