import { CommanderError } from "commander";
import { JsonPathError } from "#lib/jsonpath-parse";
import { StatusError } from "#lib/status-error";
import { UserError } from "./terminal.ts";

export interface Explained {
  /** For standard error, with its newline; "" when everything was said already. */
  readonly text: string;
  readonly exitCode: number;
}

/** What a person is told of an error: expected ones in a line, bugs with their stack. */
export function explainError(error: unknown, isDebug: boolean): Explained {
  // commander has printed its own message.
  if (error instanceof CommanderError) return { text: "", exitCode: error.exitCode };
  const stack = isDebug && error instanceof Error ? `${error.stack}\n` : "";
  if (error instanceof UserError) {
    return { text: `error: ${error.message}\n${stack}`, exitCode: error.exitCode };
  }
  if (error instanceof JsonPathError)
    return { text: `error: ${error.message}\n${stack}`, exitCode: 1 };
  if (error instanceof StatusError) {
    const text = `Error from server (${error.reason}): ${error.message}\n${stack}`;
    return { text, exitCode: 1 };
  }
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { text: `naru failed; this is a bug of naru's:\n${what}\n`, exitCode: 70 };
}
