import type { Clock } from "#lib/clock";
import type { Logger } from "#lib/logger";
import type { Node } from "#proto/core/v1";
import type { Cidr } from "./ipv4.ts";
import type { NetworkKernel } from "./kernel-network.ts";
import { listRoutes, sendSteps } from "./netlink/send.ts";
import { planRoutes, routesToNodes } from "./routes.ts";

/** Nodes come and go in groups. */
const GATHER_MS = 20;
/** A gateway may not be reachable yet. */
const RETRY_MS = 2000;

export interface NodeRoutesOptions {
  readonly kernel: NetworkKernel;
  readonly nodeName: string;
  readonly clusterCidr: Cidr;
  readonly clock: Clock;
  readonly logger: Logger;
  nodes(): Iterable<Node>;
}

/** Keeps the routes to other nodes' pods in step: told that something changed, it looks at everything anew. */
export class NodeRoutes {
  readonly #options: NodeRoutesOptions;
  #cancelTimer: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #isDirty = false;
  #isClosed = false;

  constructor(options: NodeRoutesOptions) {
    this.#options = options;
  }

  changed(): void {
    this.#isDirty = true;
    this.#schedule(GATHER_MS);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer?.();
    await this.#running;
  }

  #schedule(delayMs: number): void {
    if (this.#isClosed || this.#cancelTimer !== undefined || this.#running !== undefined) return;
    this.#cancelTimer = this.#options.clock.after(delayMs, () => {
      this.#cancelTimer = undefined;
      this.#isDirty = false;
      this.#running = this.#synchronize().then((isDone) => {
        this.#running = undefined;
        if (!isDone) this.#schedule(RETRY_MS);
        else if (this.#isDirty) this.#schedule(GATHER_MS);
      });
    });
  }

  /** False when it has to be tried again. One unreachable node does not keep the others from their routes. */
  async #synchronize(): Promise<boolean> {
    const { clusterCidr, kernel, logger, nodeName } = this.#options;
    let isDone = true;
    const failed = (error: unknown): void => {
      isDone = false;
      logger.error("route not set", { error });
    };
    try {
      const existing = await listRoutes(kernel);
      const wanted = routesToNodes(this.#options.nodes(), nodeName);
      for (const step of planRoutes({ wanted, existing, clusterCidr }))
        await sendSteps(kernel, [step]).catch(failed);
    } catch (error) {
      failed(error);
    }
    return isDone;
  }
}
