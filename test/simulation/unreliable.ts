import type { Transport, WatchEvent } from "#client";
import type { Clock } from "#lib/clock";
import { sleep } from "#lib/clock";
import type { Random } from "#lib/random";
import { StatusError } from "#lib/status-error";

export interface Faults {
  /** Share of calls that are refused before they are done. */
  readonly refused: number;
  /** Share of writes that are done, and whose answer is lost. */
  readonly lost: number;
  /** Share of watch events before which the watch ends. */
  readonly cut: number;
  /** Calls, and each event of a watch, take up to so long. */
  readonly delayMs: number;
}

const WRITES = new Set(["create", "update", "patch", "delete", "deleteCollection"]);

/** The API as it is over a bad network: late, at times not there, and at times done though nobody says so. */
export function unreliable(
  transport: Transport,
  faults: () => Faults,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): Transport {
  const late = (): Promise<void> => sleep(clock, faults().delayMs * random.fraction());
  const happens = (share: number): boolean => random.fraction() < share;
  const away = (why: string): StatusError => new StatusError("ServiceUnavailable", why);

  async function call(verb: string, act: () => Promise<unknown>): Promise<unknown> {
    await late();
    if (happens(faults().refused)) throw away("refused");
    const answer = await act();
    await late();
    if (WRITES.has(verb) && happens(faults().lost)) throw away("the answer was lost");
    return answer;
  }

  async function* watch(...parameters: Parameters<Transport["watch"]>): AsyncIterable<WatchEvent> {
    for await (const event of transport.watch(...parameters)) {
      await late();
      if (happens(faults().cut)) return;
      yield event;
    }
  }

  return new Proxy(transport, {
    get(target, verb: string) {
      if (verb === "watch") return watch;
      const method = Reflect.get(target, verb) as (...all: unknown[]) => Promise<unknown>;
      return (...all: unknown[]) => call(verb, () => method.apply(target, all));
    },
  });
}
