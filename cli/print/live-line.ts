import type { Terminal } from "../terminal.ts";

/** Says how something goes on: one line that changes on a screen, a line for each change in a pipe. */
export class LiveLine {
  readonly #terminal: Terminal;
  #shown: string | undefined;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(text: string): void {
    if (text === this.#shown) return;
    if (this.#terminal.isInteractive) this.#terminal.out(`\r\x1b[K${this.#cut(text)}`);
    else this.#terminal.out(`${text}\n`);
    this.#shown = text;
  }

  /** The last word; it stays. */
  end(text: string): void {
    if (this.#terminal.isInteractive) this.#terminal.out(`\r\x1b[K${text}\n`);
    else if (text !== this.#shown) this.#terminal.out(`${text}\n`);
    this.#shown = undefined;
  }

  /** Leaves the screen with a whole line, also when what was followed failed. */
  [Symbol.dispose](): void {
    if (this.#shown !== undefined && this.#terminal.isInteractive) this.#terminal.out("\n");
  }

  /** A line that wraps could not be taken back. */
  #cut(text: string): string {
    const { columns } = this.#terminal;
    return columns === undefined || text.length < columns ? text : `${text.slice(0, columns - 2)}…`;
  }
}
