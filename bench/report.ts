/** The last line of every benchmark, and how its figures are taken. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

export interface Report {
  readonly bench: string;
  readonly metrics: Readonly<Record<string, number>>;
  readonly peer: Readonly<Record<string, number>> | undefined;
  readonly ratio: Readonly<Record<string, number>> | undefined;
  readonly runs: number;
}

export function printReport(report: Report): void {
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  process.stdout.write(`${JSON.stringify({ ...report, commit })}\n`);
}

/** The kernel's clock ticks a second, as /proc counts them on Linux. */
const TICKS_PER_SECOND = 100;

/** CPU seconds that processes have used so far. */
export function cpuSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return sum + (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }, 0);
}

/** Proportional set size of processes together, in megabytes. */
export function pssMegabytes(pids: readonly number[]): number {
  const bytes = pids.reduce((sum, pid) => {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    return sum + Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0) * 1024;
  }, 0);
  return rounded(bytes / 1e6);
}

export function quantile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return rounded(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? 0);
}

export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
