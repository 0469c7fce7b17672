/** JSON with a line for each value, as people read it. */

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/** Nobody reads further to the right; without a bound a deep object would grow by a thousand times. */
const INDENT_MAX = 40;
const INDENTS = Array.from({ length: INDENT_MAX + 1 }, (_, depth) => `\n${"  ".repeat(depth)}`);

/** The same JSON, which comes without white space, piece by piece: a list need not be there as a whole. */
export function* indented(pieces: Iterable<Buffer>): Generator<Buffer> {
  const indenter = new Indenter();
  for (const piece of pieces) yield indenter.piece(piece);
  yield Buffer.from("\n");
}

class Indenter {
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  /** Behind an opening brace: what comes next says whether it is empty. */
  #isOpening = false;

  /** As one character a byte, so that a piece may end within a character. */
  piece(bytes: Buffer): Buffer {
    const text = bytes.toString("latin1");
    let out = "";
    let from = 0;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (this.#isInString) {
        this.#inString(code);
        continue;
      }
      const before = this.#before(code);
      if (before !== "") {
        out += text.slice(from, at) + before;
        from = at;
      }
      const behind = this.#behind(code);
      if (behind !== "") {
        out += text.slice(from, at + 1) + behind;
        from = at + 1;
      }
    }
    return Buffer.from(out + text.slice(from), "latin1");
  }

  /** A line begins before the first value in an object or list, and before the end of one. */
  #before(code: number): string {
    const isOpening = this.#isOpening;
    const isClosing = code === CLOSE || code === CLOSE_LIST;
    this.#isOpening = false;
    if (isOpening === isClosing) return "";
    this.#depth += isOpening ? 1 : -1;
    return this.#line();
  }

  #behind(code: number): string {
    if (code === QUOTE) this.#isInString = true;
    else if (code === OPEN || code === OPEN_LIST) this.#isOpening = true;
    else if (code === COMMA) return this.#line();
    else if (code === COLON) return " ";
    return "";
  }

  #line(): string {
    return INDENTS[Math.min(this.#depth, INDENT_MAX)] ?? "\n";
  }

  #inString(code: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (code === BACKSLASH) this.#isEscaped = true;
    else if (code === QUOTE) this.#isInString = false;
  }
}
