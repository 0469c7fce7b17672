import { assert } from "#lib/assert";
import type { Clock } from "#lib/clock";
import { allocate, free } from "./ipam.ts";
import { cidr, formatIpv4, gatewayOf, ipv4 } from "./ipv4.ts";
import type { NetworkKernel } from "./kernel-network.ts";
import type { NetworkNames } from "./names.ts";
import { deleteLink } from "./netlink/link.ts";
import { ERRNO } from "./netlink/message.ts";
import { findLink, NetlinkError, sendSteps } from "./netlink/send.ts";
import type { PodAddresses, PodNetwork, PublishedPort } from "./pod-network.ts";
import { loadPodState, type PodState, savePodState } from "./pod-state.ts";
import {
  POD_INTERFACE,
  planNodeSide,
  planPodLink,
  planPodSide,
  type SandboxNetwork,
} from "./sandbox.ts";

export interface RoutedPodNetworkOptions {
  readonly kernel: NetworkKernel;
  readonly names: NetworkNames;
  readonly podCidr: string;
  readonly stateFile: string;
  /** This process, which lives in the node's network namespace. */
  readonly nodePid: number;
  readonly clock: Clock;
  /** Called whenever the published ports have changed; resolves when they are open or closed. */
  onPublished(ports: readonly PublishedPort[]): Promise<void>;
}

/** Pods with addresses of the node's range, each behind a host route. */
export class RoutedPodNetwork implements PodNetwork {
  readonly #options: RoutedPodNetworkOptions;
  readonly #state: PodState;
  readonly #gateway: number;

  constructor(options: RoutedPodNetworkOptions) {
    this.#options = options;
    this.#state = loadPodState(options.stateFile, cidr(options.podCidr));
    this.#gateway = ipv4(gatewayOf(options.podCidr));
  }

  get published(): readonly PublishedPort[] {
    return [...this.#state.published.values()].flat();
  }

  async attach(sandboxId: string, netnsPath: string): Promise<PodAddresses> {
    const { kernel, names, clock, podCidr, nodePid } = this.#options;
    const isNew = !this.#state.addresses.held.has(sandboxId);
    const ip = allocate(this.#state.addresses, sandboxId, clock.monotonicMs());
    if (ip === undefined) throw new Error(`all addresses of ${podCidr} are in use`);
    // Before the kernel knows it: an address that we forgot would be given away twice.
    if (isNew) this.#save();
    const network: SandboxNetwork = {
      ip,
      gateway: this.#gateway,
      nodeLink: names.podLink(sandboxId),
      nodePid,
    };
    if ((await findLink(kernel, POD_INTERFACE, netnsPath)) === undefined)
      await this.#addLink(network, netnsPath);
    await sendSteps(kernel, planPodSide(network), netnsPath);
    const link = await findLink(kernel, network.nodeLink);
    assert(link !== undefined, `${network.nodeLink} exists, its peer does`);
    await sendSteps(kernel, planNodeSide(network, link.index));
    return { ip: formatIpv4(ip) };
  }

  async detach(sandboxId: string): Promise<void> {
    const isFreed = free(this.#state.addresses, sandboxId, this.#options.clock.monotonicMs());
    const hadPorts = this.#state.published.delete(sandboxId);
    if (isFreed || hadPorts) this.#save();
    if (hadPorts) await this.#options.onPublished(this.published);
  }

  async retain(sandboxIds: ReadonlySet<string>): Promise<void> {
    const known = new Set([...this.#state.addresses.held.keys(), ...this.#state.published.keys()]);
    for (const id of known) if (!sandboxIds.has(id)) await this.detach(id);
  }

  async publish(sandboxId: string, ports: readonly PublishedPort[]): Promise<void> {
    const before = this.#state.published.get(sandboxId);
    if (JSON.stringify(before ?? []) === JSON.stringify(ports)) return;
    this.#state.published.set(sandboxId, ports);
    this.#save();
    await this.#options.onPublished(this.published);
  }

  async #addLink(network: SandboxNetwork, netnsPath: string): Promise<void> {
    const { kernel } = this.#options;
    const step = planPodLink(network);
    try {
      await sendSteps(kernel, [step], netnsPath);
    } catch (error) {
      if (!(error instanceof NetlinkError && error.errno === ERRNO.exists)) throw error;
      // The node's end of an earlier namespace of the same sandbox, which the kernel has not yet taken away.
      const stale = { what: "remove old interface", message: deleteLink(network.nodeLink) };
      await sendSteps(kernel, [{ ...stale, tolerate: [ERRNO.noDevice] }]);
      await sendSteps(kernel, [step], netnsPath);
    }
  }

  #save(): void {
    savePodState(this.#options.stateFile, this.#state);
  }
}
