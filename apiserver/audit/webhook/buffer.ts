/** Events that wait to be sent: so many, and no more. */

export interface BufferBounds {
  readonly eventsMax: number;
  readonly bytesMax: number;
}

export class EventBuffer {
  readonly #bounds: BufferBounds;
  readonly #lines: string[] = [];
  #bytes = 0;

  constructor(bounds: BufferBounds) {
    this.#bounds = bounds;
  }

  get length(): number {
    return this.#lines.length;
  }

  /** False when there is no room for it. */
  add(line: string): boolean {
    const { bytesMax, eventsMax } = this.#bounds;
    if (this.#lines.length >= eventsMax || this.#bytes + line.length > bytesMax) return false;
    this.#lines.push(line);
    this.#bytes += line.length;
    return true;
  }

  /** The oldest ones. */
  take(eventsMax: number): readonly string[] {
    const taken = this.#lines.splice(0, eventsMax);
    this.#bytes -= taken.reduce((sum, line) => sum + line.length, 0);
    return taken;
  }
}
