/** What `events --stats` tells: runc's form, which is what those who read it know. */
import type { ContainerCgroup } from "./cgroup.ts";

export function statisticsOf(id: string, cgroup: ContainerCgroup): object {
  const number = (controller: string, file: string): number =>
    Number(cgroup.read(controller, file)?.trim() ?? 0) || 0;
  const fields = (controller: string, file: string): Record<string, number> =>
    Object.fromEntries(
      (cgroup.read(controller, file) ?? "")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => [line.split(" ")[0] ?? "", Number(line.split(" ")[1])]),
    );
  const data = cgroup.version === 1 ? legacy(number, fields) : unified(number, fields);
  return { type: "stats", id, data };
}

type Numbers = (controller: string, file: string) => number;
type Fields = (controller: string, file: string) => Record<string, number>;

function legacy(number: Numbers, fields: Fields): object {
  const throttling = fields("cpu", "cpu.stat");
  return {
    cpu: {
      usage: {
        total: number("cpuacct", "cpuacct.usage"),
        kernel: number("cpuacct", "cpuacct.usage_sys"),
        user: number("cpuacct", "cpuacct.usage_user"),
      },
      throttling: {
        periods: throttling["nr_periods"] ?? 0,
        throttledPeriods: throttling["nr_throttled"] ?? 0,
        throttledTime: throttling["throttled_time"] ?? 0,
      },
    },
    memory: {
      usage: {
        limit: number("memory", "memory.limit_in_bytes"),
        usage: number("memory", "memory.usage_in_bytes"),
        max: number("memory", "memory.max_usage_in_bytes"),
        failcnt: number("memory", "memory.failcnt"),
      },
      raw: fields("memory", "memory.stat"),
    },
    pids: { current: number("pids", "pids.current"), limit: number("pids", "pids.max") },
  };
}

/** Version 2 counts CPU time in microseconds; the form has nanoseconds. */
const NANOSECONDS = 1000;

function unified(number: Numbers, fields: Fields): object {
  const cpu = fields("cpu", "cpu.stat");
  return {
    cpu: {
      usage: {
        total: (cpu["usage_usec"] ?? 0) * NANOSECONDS,
        kernel: (cpu["system_usec"] ?? 0) * NANOSECONDS,
        user: (cpu["user_usec"] ?? 0) * NANOSECONDS,
      },
      throttling: {
        periods: cpu["nr_periods"] ?? 0,
        throttledPeriods: cpu["nr_throttled"] ?? 0,
        throttledTime: (cpu["throttled_usec"] ?? 0) * NANOSECONDS,
      },
    },
    memory: {
      usage: {
        limit: number("memory", "memory.max"),
        usage: number("memory", "memory.current"),
        max: number("memory", "memory.peak"),
      },
      raw: fields("memory", "memory.stat"),
    },
    pids: { current: number("pids", "pids.current"), limit: number("pids", "pids.max") },
  };
}
