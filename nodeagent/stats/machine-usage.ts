/** The whole machine's usage, which /proc has whatever version of cgroups there is. See proc(5). */
import type { UsedSoFar } from "./counters.ts";

export interface MachineFiles {
  readText(path: string): string;
}

/** The kernel counts CPU time in hundredths of a second on every architecture that Linux has today. */
const TICK_NS = 10_000_000n;

export function machineUsage(files: MachineFiles): UsedSoFar {
  return {
    cpuUsageNs: busyNs(files.readText("/proc/stat")),
    memoryWorkingSetBytes: workingSetBytes(files.readText("/proc/meminfo")),
  };
}

/** `cpu  user nice system idle iowait irq softirq steal …`: all but idling and waiting for disks. Guests are in `user`. */
export function busyNs(stat: string): bigint {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] =
    /^cpu .*$/m.exec(stat)?.[0].split(/\s+/).map(Number) ?? [];
  return BigInt(user + nice + system + irq + softirq + steal) * TICK_NS;
}

export function workingSetBytes(meminfo: string): number {
  const kib = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(meminfo)?.[1] ?? 0);
  return 1024 * Math.max(0, kib("MemTotal") - kib("MemFree") - kib("Inactive\\(file\\)"));
}
