/** The process's own figures, under the names that Prometheus' client libraries give them. */
import { readdirSync, readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import type { Registry, Sample } from "#lib/metrics";

const MICROSECONDS = 1e6;

/** Costs nothing until somebody asks. */
export function registerProcessMetrics(registry: Registry): void {
  const gauge = (name: string, help: string, value: () => number | undefined): void =>
    registry.collected(name, { type: "gauge", help }, () => sample(value()));
  const startSeconds = performance.timeOrigin / 1000;
  registry.collected(
    "process_cpu_seconds_total",
    { type: "counter", help: "Seconds of CPU, the user's and the system's." },
    () => {
      const { system, user } = process.cpuUsage();
      return [{ value: (system + user) / MICROSECONDS }];
    },
  );
  gauge("process_start_time_seconds", "When it started, since 1970.", () => startSeconds);
  gauge("process_resident_memory_bytes", "Memory that it holds.", () => process.memoryUsage.rss());
  gauge("process_open_fds", "File descriptors that are open.", openFiles);
  gauge("process_max_fds", "File descriptors that may be open.", maxFiles);
  gauge("nodejs_heap_size_used_bytes", "JavaScript's heap in use.", () => {
    return process.memoryUsage().heapUsed;
  });
  let last = performance.eventLoopUtilization();
  gauge("nodejs_eventloop_utilization", "Share of time that the loop worked, since asked.", () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  });
}

function sample(value: number | undefined): Iterable<Sample> {
  return value === undefined ? [] : [{ value }];
}

function openFiles(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    // No /proc, no figure.
    return undefined;
  }
}

function maxFiles(): number | undefined {
  try {
    const [, limit] =
      /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return limit === undefined ? undefined : Number(limit);
  } catch {
    return undefined;
  }
}
