import { writeSync } from "node:fs";
import { Socket } from "node:net";
import { ReadStream } from "node:tty";
import type { Clock } from "#lib/clock";
import { sleep } from "#lib/clock";
import { hasCode } from "../../kernel/syscall-error.ts";

export interface Reading {
  pause(): void;
  resume(): void;
  /** Resolves at the end of the stream, whatever ended it. */
  readonly ended: Promise<void>;
  close(): void;
}

/** Reads a pipe, FIFO or socket, or a terminal's master. */
export function readDescriptor(
  descriptor: number,
  isTerminal: boolean,
  take: (data: Buffer) => void,
): Reading {
  const socket = isTerminal
    ? new ReadStream(descriptor)
    : new Socket({ fd: descriptor, readable: true, writable: false });
  socket.on("data", take);
  // A terminal ends with EIO when its last process is gone; "close" follows every error.
  socket.on("error", () => {});
  const ended = new Promise<void>((resolve) => {
    socket.on("close", () => resolve());
  });
  return {
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    ended,
    close: () => void socket.destroy(),
  };
}

export interface Writing {
  write(data: Uint8Array): Promise<void>;
  close(): void;
}

export function writePipe(descriptor: number): Writing {
  const socket = new Socket({ fd: descriptor, readable: false, writable: true });
  // Nobody reads any more: the process is gone or has closed its input. Writers are told through their callback.
  socket.on("error", () => {});
  return {
    write: (data) =>
      new Promise((resolve) => {
        if (socket.destroyed || socket.writableEnded) resolve();
        else socket.write(data, () => resolve());
      }),
    close: () => void socket.end(),
  };
}

const TERMINAL_RETRY_MS = 5;
/** Ctrl-D: a terminal's end of input. */
const END_OF_TRANSMISSION = Uint8Array.of(4);

/** A terminal takes only so much until its process reads; it must not hold up everybody else. */
export function writeTerminal(master: number, hungUp: Promise<void>, clock: Clock): Writing {
  let isOpen = true;
  // The descriptor's number may be another file's from then on.
  void hungUp.then(() => {
    isOpen = false;
  });
  const write = async (data: Uint8Array): Promise<void> => {
    let at = 0;
    while (at < data.length && isOpen) {
      try {
        at += writeSync(master, data, at);
      } catch (error) {
        if (!hasCode(error, "EAGAIN")) return; // Hung up.
        await sleep(clock, TERMINAL_RETRY_MS);
      }
    }
  };
  return { write, close: () => void write(END_OF_TRANSMISSION) };
}
