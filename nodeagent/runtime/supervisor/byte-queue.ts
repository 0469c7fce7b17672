export interface OutputChunk {
  readonly stream: "stderr" | "stdout";
  readonly data: Uint8Array;
}

export interface QueueOptions {
  readonly bytesMax: number;
  /** Called when it has become too full, and when there is room again. */
  readonly onFull?: () => void;
  readonly onRoom?: () => void;
}

/** Chunks on their way to one reader. */
export class ByteQueue implements AsyncIterable<OutputChunk> {
  readonly #options: QueueOptions;
  readonly #chunks: OutputChunk[] = [];
  #bytes = 0;
  #ended = false;
  #isFull = false;
  #wake: (() => void) | undefined;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  push(chunk: OutputChunk): void {
    if (this.#ended) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.data.length;
    if (this.#bytes > this.#options.bytesMax && !this.#isFull) {
      this.#isFull = true;
      this.#options.onFull?.();
    }
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<OutputChunk> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#taken(chunk.data.length);
        yield chunk;
      } else if (this.#ended) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
    }
  }

  #taken(bytes: number): void {
    this.#bytes -= bytes;
    if (this.#isFull && this.#bytes <= this.#options.bytesMax / 2) {
      this.#isFull = false;
      this.#options.onRoom?.();
    }
  }
}
