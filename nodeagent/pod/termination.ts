/** How an attempt ended, in Kubernetes' words. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { Container } from "#proto/core/v1";
import type { ContainerState } from "../runtime/runtime.ts";
import type { Termination } from "./state.ts";

const MESSAGE_BYTES_MAX = 4096;
const LOG_BYTES_MAX = 2048;
/** Kubernetes shows this code for what was never started. */
const NOT_STARTED = 128;

export interface EndedFiles {
  readonly terminationLog: string;
  readonly log: string;
}

export function terminationOf(
  id: string,
  state: Extract<ContainerState, { readonly at: "exited" | "failed" }>,
  message: string,
  nowMs: number,
): Termination {
  if (state.at === "failed") {
    const times = { startedAtMs: 0, finishedAtMs: nowMs };
    return {
      id,
      exitCode: NOT_STARTED,
      signal: 0,
      reason: "StartError",
      message: state.message,
      ...times,
    };
  }
  const { exitCode, signal, oomKilled, startedAtMs, finishedAtMs } = state;
  const reason = oomKilled ? "OOMKilled" : exitCode === 0 ? "Completed" : "Error";
  return { id, exitCode, signal, reason, message, startedAtMs, finishedAtMs };
}

/** What the container left for people to read: its file, or the end of its log if it wants that. */
export function terminationMessage(
  container: Container,
  files: EndedFiles,
  exitCode: number,
): string {
  const own = endOf(files.terminationLog, MESSAGE_BYTES_MAX);
  const wantsLog = container.terminationMessagePolicy === "FallbackToLogsOnError";
  if (own !== "" || !wantsLog || exitCode === 0) return own;
  return endOf(files.log, LOG_BYTES_MAX)
    .split("\n")
    .map((line) => line.replace(/^\S+ std(?:out|err) [FP] /, ""))
    .join("\n");
}

function endOf(path: string, bytesMax: number): string {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const { size } = fstatSync(file);
    const buffer = Buffer.alloc(Math.min(size, bytesMax));
    const count = readSync(file, buffer, 0, buffer.length, Math.max(0, size - bytesMax));
    return buffer.subarray(0, count).toString();
  } catch {
    return ""; // It wrote none.
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
