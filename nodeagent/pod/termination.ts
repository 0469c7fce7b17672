/** How an attempt ended, in Kubernetes' words. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { Container, Pod } from "#proto/core/v1";
import type { ContainerState } from "../runtime/runtime.ts";
import type { PodDeps } from "./deps.ts";
import { logPath, terminationLog } from "./pod-files.ts";
import type { Termination } from "./state.ts";

const MESSAGE_BYTES_MAX = 4096;
const LOG_BYTES_MAX = 2048;
/** Kubernetes shows this code for what was never started. */
const NOT_STARTED = 128;

export type EndedState = Extract<ContainerState, { readonly at: "exited" | "failed" }>;

interface EndedFiles {
  readonly terminationLog: string;
  readonly log: string;
}

export interface EndedAttempt {
  readonly id: string;
  readonly attempt: number;
  readonly state: EndedState;
}

/** With what it left for people to read. */
export function readTermination(
  { clock, paths }: Pick<PodDeps, "clock" | "paths">,
  pod: Pod,
  container: Container,
  { attempt, id, state }: EndedAttempt,
): Termination {
  const files = {
    terminationLog: terminationLog(paths, pod.metadata.uid, id),
    log: logPath(paths, pod, container.name, attempt),
  };
  return terminationOf(id, state, terminationMessage(container, files, state), clock.nowMs());
}

function terminationOf(id: string, state: EndedState, message: string, nowMs: number): Termination {
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

/** The runtime knows nothing of an attempt that was made. */
export function lostTermination(id: string, nowMs: number): Termination {
  return {
    id,
    exitCode: 137,
    signal: 0,
    reason: "ContainerStatusUnknown",
    message: "The container could not be located when the agent was started",
    startedAtMs: 0,
    finishedAtMs: nowMs,
  };
}

/** What the container left for people to read: its file, or the end of its log if it wants that. */
function terminationMessage(container: Container, files: EndedFiles, state: EndedState): string {
  const own = endOf(files.terminationLog, MESSAGE_BYTES_MAX);
  const wantsLog = container.terminationMessagePolicy === "FallbackToLogsOnError";
  if (own !== "" || !wantsLog || (state.at === "exited" && state.exitCode === 0)) return own;
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
