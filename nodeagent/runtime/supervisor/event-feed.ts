/** Events for each listener that is behind by at most so many; who is further behind has to list anew. */
const BACKLOG_MAX = 10_000;

/** One writer, any number of listeners, each of which gets everything from its call on, in order. */
export class EventFeed<T> {
  readonly #listeners = new Set<(event: T) => void>();

  emit(event: T): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** Listens from the call on, not from the first `next`. Throws when the listener has fallen too far behind. */
  listen(signal: AbortSignal): AsyncIterable<T> {
    const backlog: T[] = [];
    let wake: () => void = () => {};
    let isBehind = false;
    const listener = (event: T): void => {
      if (backlog.length < BACKLOG_MAX) backlog.push(event);
      else isBehind = true;
      wake();
    };
    const listeners = this.#listeners;
    listeners.add(listener);
    const leave = (): void => {
      listeners.delete(listener);
      wake();
    };
    signal.addEventListener("abort", leave, { once: true });
    return (async function* (): AsyncGenerator<T> {
      try {
        while (!signal.aborted) {
          const event = backlog.shift();
          if (event !== undefined) yield event;
          else if (isBehind) throw new Error(`events: more than ${BACKLOG_MAX} behind`);
          else
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
        }
      } finally {
        leave();
        signal.removeEventListener("abort", leave);
      }
    })();
  }
}
