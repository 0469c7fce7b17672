import { check } from "./check.ts";
import { O } from "./flags.ts";
import * as libc from "./libc.ts";

/** [read end, write end], close-on-exec. */
export function openPipe(): readonly [number, number] {
  const ends = Buffer.alloc(8);
  check("pipe2", libc.pipe2(ends, O.cloexec));
  return [ends.readInt32LE(0), ends.readInt32LE(4)];
}

export function openFile(path: string, flags: number): number {
  return check("open", libc.open(path, flags | O.cloexec, 0o600), path);
}
