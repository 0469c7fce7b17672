import { constants } from "node:os";

const SIGTERM = 15;
const REALTIME_FIRST = 34;
const REALTIME_LAST = 64;

/** `SIGQUIT`, `QUIT`, `3` or `SIGRTMIN+3`, as images and pods write it; SIGTERM for what is none. */
export function signalNumber(name: string): number {
  if (/^\d+$/.test(name)) return Number(name);
  const full = name.startsWith("SIG") ? name : `SIG${name}`;
  const realtime = /^SIGRT(MIN|MAX)([+-]\d+)?$/.exec(full);
  if (realtime !== null) {
    const base = realtime[1] === "MIN" ? REALTIME_FIRST : REALTIME_LAST;
    return base + Number(realtime[2] ?? 0);
  }
  return (constants.signals as Readonly<Record<string, number>>)[full] ?? SIGTERM;
}
