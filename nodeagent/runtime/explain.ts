import { errnoName } from "../kernel/syscall-error.ts";
import type { Argument, Program, SystemCall } from "./system-call.ts";

/** A program for people: one line a call, as strace would print it, with what it is for. */
export function explainProgram(program: Program): string {
  return program.map((entry, index) => `${explainEntry(entry, index)}\n`).join("");
}

function explainEntry(entry: SystemCall, index: number): string {
  const call = `${entry.call}(${entry.args.map(explainArgument).join(", ")})`;
  const notes = [entry.what];
  if (entry.tolerate !== undefined && entry.tolerate.length > 0) {
    notes.push(`goes on after ${entry.tolerate.map(errnoName).join(", ")}`);
  }
  if (entry.answerTo !== undefined) {
    const { ahead, argument } = entry.answerTo;
    notes.push(`answer becomes argument ${argument} of ${index + ahead}`);
  }
  if (entry.skip !== undefined && entry.skip > 0) {
    const who = entry.onlyParentSkips === true ? "the parent goes on" : "goes on";
    notes.push(`${who} with ${index + entry.skip + 1} on success`);
  }
  return `${String(index).padStart(3)}  ${call}  # ${notes.join("; ")}`;
}

/** Bytes beyond this are of no use to a reader. */
const BYTES_SHOWN_MAX = 32;

function explainArgument(argument: Argument): string {
  if (typeof argument === "number")
    return argument > 9 ? `0x${argument.toString(16)}` : String(argument);
  if (typeof argument === "string") return JSON.stringify(argument);
  if (argument instanceof Uint8Array) return explainBytes(argument);
  if ("filter" in argument) return `{${argument.filter.length / 8} instructions}`;
  if ("cell" in argument) return `&${argument.cell}`;
  return JSON.stringify(argument.strings);
}

function explainBytes(bytes: Uint8Array): string {
  if (bytes.every((byte) => byte === 0)) return `{${bytes.length} zeros}`;
  const shown = Buffer.from(bytes.subarray(0, BYTES_SHOWN_MAX)).toString("hex");
  return bytes.length > BYTES_SHOWN_MAX ? `{${shown}…}` : `{${shown}}`;
}
