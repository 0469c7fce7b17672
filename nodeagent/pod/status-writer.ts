import type { Client } from "#client";
import { keyOf } from "#lib/api/key";
import { type Clock, sleep } from "#lib/clock";
import type { JsonObject } from "#lib/json";
import type { Logger } from "#lib/logger";
import { StatusError } from "#lib/status-error";
import type { Pod, PodStatus } from "#proto/core/v1";
import { pods } from "#resources";

const RETRY_MS = 500;
/** The agent's conditions that are there only while they hold. */
const PASSING: readonly string[] = ["PodResizeInProgress", "PodResizePending"];

/** Writes a pod's status, the newest only, one write at a time. */
export class StatusWriter {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #signal: AbortSignal;
  #wanted: { readonly pod: Pod; readonly status: PodStatus } | undefined;
  #sent = "";
  /** Those of them that the API has from us. */
  #passing: readonly string[] = [];
  #writing: Promise<void> | undefined;

  constructor(client: Client, clock: Clock, logger: Logger, signal: AbortSignal) {
    this.#client = client;
    this.#clock = clock;
    this.#logger = logger;
    this.#signal = signal;
  }

  write(pod: Pod, status: PodStatus): void {
    this.#wanted = { pod, status };
    this.#writing ??= this.#run().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Resolves when the latest status is written, or the pod is gone. */
  async settled(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async #run(): Promise<void> {
    // What comes in this same turn goes along.
    await Promise.resolve();
    while (this.#wanted !== undefined && !this.#signal.aborted) {
      const { pod, status } = this.#wanted;
      this.#wanted = undefined;
      const text = JSON.stringify(status);
      if (text === this.#sent) continue;
      try {
        await this.#patch(pod, status);
        this.#sent = text;
      } catch (error) {
        // Gone, or another pod of the same name: nobody to tell.
        if (StatusError.is(error, "NotFound") || StatusError.is(error, "Conflict")) return;
        this.#logger.info("pod status not written", { error });
        this.#wanted ??= { pod, status };
        await sleep(this.#clock, RETRY_MS, this.#signal);
      }
    }
  }

  async #patch(pod: Pod, status: PodStatus): Promise<void> {
    const { namespace = "", name, uid } = pod.metadata;
    // Conditions are merged one by one: a reason that does not hold any more has to be taken away by name.
    const conditions = status.conditions?.map((each) => ({ reason: null, message: null, ...each }));
    const types = (status.conditions ?? []).map(({ type }) => type as string);
    const passing = PASSING.filter((type) => types.includes(type));
    const had = [...this.#passing, ...(pod.status.conditions ?? []).map(({ type }) => type)];
    const gone = PASSING.filter((type) => had.includes(type) && !passing.includes(type));
    const removals = gone.map((type) => ({ $patch: "delete", type }));
    const own = { ...status, conditions: [...(conditions ?? []), ...removals] };
    const body = { metadata: { uid }, status: own } as unknown as JsonObject;
    await this.#client.patch(
      pods,
      { namespace, name },
      { type: "strategic", body },
      {
        subresource: "status",
      },
    );
    this.#passing = passing;
    this.#logger.debug("pod status written", { pod: keyOf(pod), phase: status.phase });
  }
}
