import { type Client, Controller, type Informers } from "#client";
import type { NodeSummary } from "#lib/api/node-summary";
import { formatMicroTime } from "#lib/api/time";
import type { Clock } from "#lib/clock";
import type { JsonObject } from "#lib/json";
import type { Logger } from "#lib/logger";
import type { Random } from "#lib/random";
import { StatusError } from "#lib/status-error";
import type { Lease } from "#proto/coordination/v1";
import type { Node, Pod } from "#proto/core/v1";
import { leases, nodes, pods } from "#resources";
import type { MachineFacts } from "../node/facts.ts";
import { nodeStatus } from "../node/node-status.ts";
import { hollowSummary } from "./hollow-summary.ts";
import { planHollowPod } from "./pod-status.ts";

export interface HollowNodesOptions {
  readonly client: Client;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly kubeletVersion: string;
}

const LEASE_NAMESPACE = "kube-node-lease";
const LEASE_SECONDS = 40;
const RENEW_MS = 10_000;
/** Each has a /24 of 10.244.0.0/16. */
export const HOLLOW_NODES_MAX = 254;
const ADDRESSES_PER_NODE = 253;

interface HollowNode {
  readonly name: string;
  readonly at: number;
  /** Which of its addresses was given out last; those of pods long gone are given again. */
  lastAddress: number;
}

/** Nodes without machines: whatever is bound to them runs at once, in name only. */
export class HollowNodes {
  readonly #options: HollowNodesOptions;
  readonly #nodes = new Map<string, HollowNode>();
  readonly #controller: Controller;
  #cancelRenewal: () => void = () => {};

  constructor(options: HollowNodesOptions) {
    this.#options = options;
    this.#controller = new Controller({
      ...options,
      name: "hollow-nodes",
      reconcile: (key) => this.#reconcile(key),
    });
    options.informers.of(pods).onKey((key) => this.#controller.add(key));
  }

  /** Resolves when `count` nodes, `node-1` onward, are there and ready. */
  async start(count: number): Promise<void> {
    const names = Array.from({ length: count }, (_, at) => `node-${at + 1}`);
    await Promise.all(names.map((name, at) => this.#register({ name, at, lastAddress: 0 })));
    this.#controller.start();
    this.#renewLater();
  }

  /** What its pods use, as they say themselves; undefined for a node of somebody else. */
  async usage(name: string): Promise<NodeSummary | undefined> {
    if (!this.#nodes.has(name)) return undefined;
    const { clock, informers } = this.#options;
    const own = [...informers.of(pods).store.values()].filter(({ spec }) => spec.nodeName === name);
    return hollowSummary(name, own, clock.nowMs());
  }

  async close(): Promise<void> {
    this.#cancelRenewal();
    await this.#controller.close();
  }

  async #register(node: HollowNode): Promise<void> {
    const { client, clock } = this.#options;
    const { at, name } = node;
    const podCIDR = `10.244.${at}.0/24`;
    const labels = {
      "kubernetes.io/hostname": name,
      "kubernetes.io/os": "linux",
      "kubernetes.io/arch": "amd64",
    };
    await client.create<Node>(nodes, {
      metadata: { name, labels },
      spec: { podCIDR, podCIDRs: [podCIDR] },
      status: nodeStatus({
        facts: this.#facts(name),
        name,
        ip: addressOf(node),
        pressure: { memory: false, disk: false, pid: false },
        notReady: undefined,
        images: [],
        nowMs: clock.nowMs(),
        before: undefined,
      }),
    });
    await client.create<Lease>(leases, {
      metadata: { namespace: LEASE_NAMESPACE, name },
      spec: this.#leaseSpec(name),
    });
    this.#nodes.set(name, node);
  }

  #facts(name: string): MachineFacts {
    return {
      cpus: 32,
      memoryBytes: 256 * 1024 ** 3,
      diskBytes: 1024 ** 4,
      info: {
        machineID: name,
        systemUUID: name,
        bootID: name,
        kernelVersion: "hollow",
        osImage: "Hollow node",
        containerRuntimeVersion: "hollow://",
        kubeletVersion: this.#options.kubeletVersion,
        kubeProxyVersion: "",
        operatingSystem: "linux",
        architecture: "amd64",
      },
    };
  }

  #leaseSpec(name: string): Lease["spec"] {
    const renewTime = formatMicroTime(this.#options.clock.nowMs());
    return { holderIdentity: name, leaseDurationSeconds: LEASE_SECONDS, renewTime };
  }

  #renewLater(): void {
    this.#cancelRenewal = this.#options.clock.after(RENEW_MS, () => {
      this.#renewLater();
      for (const name of this.#nodes.keys()) void this.#renew(name);
    });
  }

  async #renew(name: string): Promise<void> {
    const { client, logger } = this.#options;
    const body = { spec: this.#leaseSpec(name) } as unknown as JsonObject;
    try {
      await client.patch(leases, { namespace: LEASE_NAMESPACE, name }, { type: "merge", body });
    } catch (error) {
      // A test that removes a node's lease wants it to be lost.
      if (!StatusError.is(error, "NotFound")) logger.error("lease not renewed", { name, error });
    }
  }

  async #reconcile(key: string): Promise<undefined> {
    const { clock, informers } = this.#options;
    const pod = informers.of(pods).store.get(key);
    const node = this.#nodes.get(pod?.spec.nodeName ?? "");
    if (pod === undefined || node === undefined) return;
    const podIp = pod.status.podIP ?? this.#nextAddress(node, pod);
    const step = planHollowPod(pod, { nowMs: clock.nowMs(), podIp, hostIp: addressOf(node) });
    if (step.type === "leave") return;
    await ignoreGone(
      step.type === "remove" ? this.#remove(pod) : this.#report(pod, step.status as JsonObject),
    );
  }

  #nextAddress(node: HollowNode, pod: Pod): string {
    if (pod.spec.hostNetwork === true) return addressOf(node);
    node.lastAddress = (node.lastAddress % ADDRESSES_PER_NODE) + 1;
    return `10.244.${node.at}.${node.lastAddress + 1}`;
  }

  async #report(pod: Pod, status: JsonObject): Promise<void> {
    const { namespace = "", name, uid } = pod.metadata;
    const body = { metadata: { uid }, status };
    const options = { subresource: "status" };
    await this.#options.client.patch(
      pods,
      { namespace, name },
      { type: "strategic", body },
      options,
    );
  }

  async #remove(pod: Pod): Promise<void> {
    const { namespace = "", name, uid } = pod.metadata;
    await this.#options.client.delete(
      pods,
      { namespace, name },
      { gracePeriodSeconds: 0, preconditions: { uid } },
    );
  }
}

function addressOf({ at }: HollowNode): string {
  return `172.30.0.${at + 1}`;
}

async function ignoreGone(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    // Gone, or another pod of the same name by now.
    if (!StatusError.is(error, "NotFound") && !StatusError.is(error, "Conflict")) throw error;
  }
}
