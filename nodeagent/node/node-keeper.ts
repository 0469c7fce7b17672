/** Keeps the node known to the cluster: registers it, renews its lease, writes its status. */
import { readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import type { Client } from "#client";
import { formatMicroTime } from "#lib/api/time";
import { type Clock, sleep } from "#lib/clock";
import type { JsonObject } from "#lib/json";
import type { Logger } from "#lib/logger";
import { StatusError } from "#lib/status-error";
import type { Lease } from "#proto/coordination/v1";
import type { Node } from "#proto/core/v1";
import { leases, nodes } from "#resources";
import type { ImageService } from "../images/image-service.ts";
import type { MachineFacts } from "./facts.ts";
import { nodeStatus, statusDigest } from "./node-status.ts";
import { parseAvailableMemory, parseThreads, pressure, type Usage } from "./pressure.ts";

export interface NodeKeeperOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly images: ImageService;
  readonly facts: MachineFacts;
  readonly nodeName: string;
  readonly ip: string;
  readonly podCidr: string;
  readonly stateDir: string;
  readonly labels: Readonly<Record<string, string>>;
  /** How often the lease is renewed; several times within the cluster's patience. */
  readonly renewMs?: number;
}

const LEASE_NAMESPACE = "kube-node-lease";
const LEASE_SECONDS = 40;
const RENEW_MS = 10_000;
const LOOK_MS = 10_000;
const REPORT_MS = 5 * 60_000;
const RETRY_MS = 500;
/** An agent that is not ready after this long has a problem to tell of. */
const START_MS_MAX = 15_000;

export class NodeKeeper {
  readonly #options: NodeKeeperOptions;
  readonly #registered = Promise.withResolvers<Node>();
  #node: Node | undefined;
  #notReady: string | undefined = "the agent starts";
  #told = "";
  #toldAtMs = 0;
  #wake: (() => void) | undefined;
  #isDirty = false;

  constructor(options: NodeKeeperOptions) {
    this.#options = options;
  }

  get node(): Node | undefined {
    return this.#node;
  }

  get registered(): Promise<Node> {
    return this.#registered.promise;
  }

  /** Undefined: pods can be run. Written at once. */
  setReady(notReady: string | undefined): void {
    this.#notReady = notReady;
    this.#isDirty = true;
    this.#wake?.();
  }

  /** Until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#persist("node not registered", () => this.#register(), signal);
    if (signal.aborted) return;
    await Promise.all([this.#renewForEver(signal), this.#reportForEver(signal)]);
  }

  async #register(): Promise<void> {
    const { client, nodeName, podCidr, labels, facts } = this.#options;
    const own = {
      ...labels,
      "kubernetes.io/hostname": nodeName,
      "kubernetes.io/os": "linux",
      "kubernetes.io/arch": facts.info.architecture,
    };
    try {
      const status = await this.#status();
      const metadata = { name: nodeName, labels: own };
      const spec = { podCIDR: podCidr, podCIDRs: [podCidr] };
      this.#node = await client.create<Node>(nodes, { metadata, spec, status });
    } catch (error) {
      if (!StatusError.is(error, "AlreadyExists")) throw error;
      const body = { metadata: { labels: own } };
      this.#node = await client.patch(nodes, { name: nodeName }, { type: "merge", body });
    }
    this.#registered.resolve(this.#node);
    this.#options.logger.info("node registered", { node: nodeName });
  }

  async #renewForEver(signal: AbortSignal): Promise<void> {
    const { clock, renewMs = RENEW_MS } = this.#options;
    let renewedAtMs = clock.monotonicMs();
    while (!signal.aborted) {
      await this.#persist("lease not renewed", () => this.#renew(), signal);
      const silentMs = clock.monotonicMs() - renewedAtMs;
      renewedAtMs = clock.monotonicMs();
      // Meanwhile the cluster may have taken us for lost: it has to hear our status though nothing in it changed.
      if (silentMs >= 2 * renewMs) {
        this.#told = "";
        this.#isDirty = true;
        this.#wake?.();
      }
      await sleep(clock, renewMs, signal);
    }
  }

  async #renew(): Promise<void> {
    const { client, nodeName, clock } = this.#options;
    const renewTime = formatMicroTime(clock.nowMs());
    const key = { namespace: LEASE_NAMESPACE, name: nodeName };
    const spec = { holderIdentity: nodeName, leaseDurationSeconds: LEASE_SECONDS, renewTime };
    try {
      await client.patch(leases, key, { type: "merge", body: { spec } });
    } catch (error) {
      if (!StatusError.is(error, "NotFound")) throw error;
      const ownerReferences = [
        { apiVersion: "v1", kind: "Node", name: nodeName, uid: this.#node?.metadata.uid ?? "" },
      ];
      await client.create<Lease>(leases, { metadata: { ...key, ownerReferences }, spec });
    }
  }

  async #reportForEver(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    // A node that was ready stays so while its agent is restarted: its pods serve, and must not be taken out.
    if (this.#notReady !== undefined) {
      const ready = new AbortController();
      this.#wake = () => ready.abort();
      await sleep(clock, START_MS_MAX, AbortSignal.any([signal, ready.signal]));
    }
    while (!signal.aborted) {
      this.#isDirty = false;
      await this.#persist("node status not written", () => this.#report(), signal);
      if (this.#isDirty) continue;
      const nap = new AbortController();
      this.#wake = () => nap.abort();
      await sleep(clock, LOOK_MS, AbortSignal.any([signal, nap.signal]));
    }
  }

  async #report(): Promise<void> {
    const { client, nodeName, clock } = this.#options;
    const status = await this.#status();
    const digest = statusDigest(status);
    const nowMs = clock.nowMs();
    if (digest === this.#told && nowMs - this.#toldAtMs < REPORT_MS) return;
    const body = { status } as unknown as JsonObject;
    const options = { subresource: "status" };
    this.#node = await client.patch(
      nodes,
      { name: nodeName },
      { type: "strategic", body },
      options,
    );
    this.#told = digest;
    this.#toldAtMs = nowMs;
  }

  async #status() {
    const { facts, nodeName, ip, images, clock, stateDir } = this.#options;
    return nodeStatus({
      facts,
      name: nodeName,
      ip,
      pressure: pressure(await usage(stateDir)),
      notReady: this.#notReady,
      images: await images.list(),
      nowMs: clock.nowMs(),
      before: this.#node,
    });
  }

  async #persist(what: string, act: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    while (!signal.aborted) {
      try {
        await act();
        return;
      } catch (error) {
        if (signal.aborted) return;
        logger.info(what, { error });
        // Somebody deleted it: the next try registers it anew.
        if (StatusError.is(error, "NotFound") && this.#node !== undefined) {
          await this.#register().catch(() => {}); // Tried again with the rest.
        }
        await sleep(clock, RETRY_MS, signal);
      }
    }
  }
}

async function usage(stateDir: string): Promise<Usage> {
  const disk = await statfs(stateDir);
  return {
    availableMemoryBytes: parseAvailableMemory(readFileSync("/proc/meminfo", "utf8")),
    diskFreeFraction: disk.bavail / Math.max(disk.blocks, 1),
    pids: parseThreads(readFileSync("/proc/loadavg", "utf8")),
    pidsMax: Number(readFileSync("/proc/sys/kernel/pid_max", "utf8")),
  };
}
