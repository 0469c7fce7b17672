/** Where a command's words go and come from. Handed in, so that tests read what a person would. */
export interface Terminal {
  /** Results: what a script would read. */
  out(text: string): void;
  /** Everything else: errors, warnings, progress. */
  error(text: string): void;
  /** Whether `out` is a screen that a person looks at; then progress may redraw itself. */
  readonly isInteractive: boolean;
  /** Whether colours may be used: a screen, and NO_COLOR is not set. */
  readonly hasColor: boolean;
  /** Width of the screen in characters; for pipes, none. */
  readonly columns: number | undefined;
  /** All of standard input. */
  readInput(): Promise<string>;
}

/** An error that is the user's to mend: its message is printed alone, without a stack, and the program exits with `exitCode`. */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly exitCode: number;

  constructor(
    message: string,
    options: { readonly exitCode?: number; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = options.exitCode ?? 1;
  }
}
