import type { ProcessInput, ProcessOutput } from "#services/supervisor";
import type { MessageStream } from "./channel/message-stream.ts";
import type { ExecProcess } from "./runtime.ts";
import { ByteQueue } from "./supervisor/byte-queue.ts";

/** Output that its reader has not taken yet; after that the supervisor has to wait. */
const OUTPUT_BYTES_MAX = 1024 * 1024;

export type ProcessCall = MessageStream<ProcessOutput, ProcessInput>;

/** A process's streams on a call. Resolves when it has been started, rejects with the reason when it could not be. */
export function openProcessCall(
  call: ProcessCall,
  first: NonNullable<ProcessInput["frame"]>,
): Promise<ExecProcess> {
  const queue = new ByteQueue({
    bytesMax: OUTPUT_BYTES_MAX,
    onFull: () => call.pause(),
    onRoom: () => call.resume(),
  });
  const input = new Input(call);
  const started = Promise.withResolvers<void>();
  const exit = Promise.withResolvers<number>();
  exit.promise.catch(() => {}); // Attach and dial have none, and nobody waits for it.
  const over = (error: Error): void => {
    queue.end();
    started.reject(error);
    exit.reject(error);
    input.end();
  };
  call.onMessage(({ frame }) => {
    if (frame === undefined) return;
    if (frame.$case === "started") started.resolve();
    else if (frame.$case === "exitCode") exit.resolve(frame.value);
    else if (frame.$case === "taken") input.taken();
    else queue.push({ stream: frame.$case, data: frame.value });
  });
  call.over.then(
    () => over(new Error("the stream ended before the process's exit code")),
    (error: unknown) => over(error instanceof Error ? error : new Error(String(error))),
  );
  void call.send({ frame: first });
  const streams: ExecProcess = {
    output: queue,
    exitCode: exit.promise,
    write: (data) => input.write(data),
    closeStdin: () => input.close(),
    resize: (width, height) =>
      void call.send({ frame: { $case: "resize", value: { width, height } } }),
    abort: () => {
      call.destroy();
      over(new Error("aborted"));
    },
  };
  return started.promise.then(() => streams);
}

/** One chunk is under way at a time: the supervisor keeps no more of what the process does not read. */
class Input {
  readonly #call: ProcessCall;
  readonly #waiting: { readonly data: Uint8Array; readonly resolve: () => void }[] = [];
  #isClosing = false;
  #isOver = false;

  constructor(call: ProcessCall) {
    this.#call = call;
  }

  /** Resolves when the process's side took it, or never will. */
  write(data: Uint8Array): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ data, resolve });
      if (this.#waiting.length === 1) this.#sendNext();
    });
  }

  /** After what is waiting. */
  close(): void {
    this.#isClosing = true;
    if (this.#waiting.length === 0) this.#sendNext();
  }

  taken(): void {
    this.#waiting.shift()?.resolve();
    this.#sendNext();
  }

  end(): void {
    this.#isOver = true;
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  #sendNext(): void {
    const [next] = this.#waiting;
    if (next !== undefined) {
      void this.#call.send({ frame: { $case: "stdin", value: Buffer.from(next.data) } });
    } else if (this.#isClosing) {
      void this.#call.send({ frame: { $case: "stdinEnd", value: true } });
    }
  }
}
