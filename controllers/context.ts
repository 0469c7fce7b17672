import type { Client, EventRecorder, Informers } from "#client";
import type { Clock } from "#lib/clock";
import type { Logger } from "#lib/logger";
import type { Random } from "#lib/random";

/** What every controller is handed. */
export interface ControllerContext {
  readonly client: Client;
  readonly informers: Informers;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** A controller whose handlers stand; `start` lets its workers run, once the informers have everything. */
export interface StartedController {
  start(): void;
  close(): Promise<void>;
}

/** Several queues that belong to one task. */
export function together(...controllers: readonly StartedController[]): StartedController {
  return {
    start() {
      for (const each of controllers) each.start();
    },
    async close() {
      await Promise.all(controllers.map((each) => each.close()));
    },
  };
}
