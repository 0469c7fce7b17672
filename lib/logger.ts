export type LogFields = Readonly<Record<string, unknown>>;

/** Constant messages with fields. `info` is what an operator did or must know, `debug` the rest. */
export interface Logger {
  error(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line. */
  child(fields: LogFields): Logger;
}

export interface LoggerOptions {
  readonly debug: boolean;
  readonly nowMs: () => number;
  /** Takes one line, without its newline. */
  readonly write: (line: string) => void;
}

/** Writes one JSON object a line. */
export function jsonLogger(options: LoggerOptions, fields: LogFields = {}): Logger {
  const line = (level: string, message: string, more: LogFields = {}): void => {
    const time = new Date(options.nowMs()).toISOString();
    options.write(JSON.stringify({ time, level, message, ...fields, ...more }, plainErrors));
  };
  return {
    error: (message, more) => line("error", message, more),
    info: (message, more) => line("info", message, more),
    debug: (message, more) => {
      if (options.debug) line("debug", message, more);
    },
    child: (more) => jsonLogger(options, { ...fields, ...more }),
  };
}

/** Errors have no enumerable fields, so JSON would print `{}` for them. */
function plainErrors(_key: string, value: unknown): unknown {
  return value instanceof Error ? `${value.name}: ${value.message}` : value;
}

/** Says nothing: for tests and for pure use. */
export const silentLogger: Logger = {
  error: () => {},
  info: () => {},
  debug: () => {},
  child: () => silentLogger,
};
