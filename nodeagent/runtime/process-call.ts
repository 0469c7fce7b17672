import type { ClientDuplexStream } from "@grpc/grpc-js";
import type { ProcessInput, ProcessOutput } from "#services/supervisor";
import type { ExecProcess } from "./runtime.ts";
import { ByteQueue } from "./supervisor/byte-queue.ts";

/** Output that its reader has not taken yet; the supervisor is told to wait through the stream's own flow control. */
const OUTPUT_BYTES_MAX = 1024 * 1024;

export type ProcessCall = ClientDuplexStream<ProcessInput, ProcessOutput>;

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
  const taken: (() => void)[] = [];
  const started = Promise.withResolvers<void>();
  const exit = Promise.withResolvers<number>();
  exit.promise.catch(() => {}); // Attach and dial have none, and nobody waits for it.
  let isOver = false;
  const over = (error: Error): void => {
    isOver = true;
    queue.end();
    started.reject(error);
    exit.reject(error);
    for (const resolve of taken.splice(0)) resolve();
  };
  call.on("data", ({ frame }: ProcessOutput) => {
    if (frame === undefined) return;
    if (frame.$case === "started") started.resolve();
    else if (frame.$case === "exitCode") exit.resolve(frame.value);
    else if (frame.$case === "taken") taken.shift()?.();
    else queue.push({ stream: frame.$case, data: frame.value });
  });
  call.on("error", (error: Error & { details?: string }) => {
    over(new Error(error.details ?? error.message, { cause: error }));
  });
  call.on("end", () => over(new Error("the stream ended before the process's exit code")));
  call.write({ frame: first });
  const streams: ExecProcess = {
    output: queue,
    exitCode: exit.promise,
    write: (data) => {
      if (isOver) return Promise.resolve();
      return new Promise((resolve) => {
        taken.push(resolve);
        call.write({ frame: { $case: "stdin", value: Buffer.from(data) } });
      });
    },
    closeStdin: () => {
      if (!isOver) call.write({ frame: { $case: "stdinEnd", value: true } });
    },
    resize: (width, height) => {
      if (!isOver) call.write({ frame: { $case: "resize", value: { width, height } } });
    },
    abort: () => {
      call.cancel();
      over(new Error("aborted"));
    },
  };
  return started.promise.then(() => streams);
}
