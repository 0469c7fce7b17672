import type { Socket } from "node:net";
import { encodeFrame, type Frame, FrameReader } from "./frames.ts";

/** Frames in both directions over one socket. */
export class Connection {
  readonly #socket: Socket;
  #take: (frame: Frame) => void;
  #drained: PromiseWithResolvers<void> | undefined;
  /** Resolves when neither side can say any more, whatever ended it. */
  readonly closed: Promise<void>;

  constructor(socket: Socket, take: (frame: Frame) => void) {
    this.#socket = socket;
    this.#take = take;
    const reader = new FrameReader();
    socket.on("data", (chunk: Buffer) => this.#read(reader, chunk));
    socket.on("error", () => {}); // "close" follows.
    socket.on("drain", () => this.#resolveDrained());
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.#resolveDrained();
        resolve();
      });
    });
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && !this.#socket.writableEnded;
  }

  /** From now on, frames go there. */
  onFrame(take: (frame: Frame) => void): void {
    this.#take = take;
  }

  /** Resolves when the other side can take more. What is sent after the end goes nowhere. */
  send(frame: Frame): Promise<void> | undefined {
    if (!this.isOpen || this.#socket.write(encodeFrame(frame))) return undefined;
    this.#drained ??= Promise.withResolvers<void>();
    return this.#drained.promise;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** After everything that was sent. */
  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #read(reader: FrameReader, chunk: Buffer): void {
    try {
      for (const frame of reader.take(chunk)) this.#take(frame);
    } catch (error) {
      // Not our protocol, or a message that does not decode: there is nobody to talk to.
      this.#socket.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #resolveDrained(): void {
    this.#drained?.resolve();
    this.#drained = undefined;
  }
}
