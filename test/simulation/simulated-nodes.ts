import type { Client, Informers } from "#client";
import { keyOf } from "#lib/api/key";
import { isTerminal } from "#lib/api/pod";
import { toleratesAll } from "#lib/api/taint";
import { formatMicroTime, formatTime } from "#lib/api/time";
import type { Clock } from "#lib/clock";
import { StatusError } from "#lib/status-error";
import type { Node, Pod } from "#proto/core/v1";
import { leases, nodes, pods } from "#resources";

export interface SimulatedNodesOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly informers: Informers;
}

const LEASE_NAMESPACE = "kube-node-lease";
const RENEW_MS = 10_000;
/** How long a pod takes to become ready, and to end. */
const START_MS = 300;
const END_MS = 200;

/**
 * Nodes as the API sees them, and a scheduler that fills them in turn. Pods whose image contains `bad` never become
 * ready; `ends` and `fails` come to their end, well or with exit code 1. A stopped node says nothing more, and its pods stay as they were.
 */
export class SimulatedNodes {
  readonly #options: SimulatedNodesOptions;
  readonly #alive = new Map<string, () => void>();
  readonly #busy = new Set<string>();
  #turn = 0;
  #addresses = 0;

  constructor(options: SimulatedNodesOptions) {
    this.#options = options;
    options.informers.of(pods).onChange((_before, pod) => {
      if (pod !== undefined) this.#look(pod);
    });
    options.informers.of(nodes).onChange(() => this.#lookAtAll());
  }

  async add(name: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
    const { client, clock } = this.#options;
    const metadata = { name, labels: { "kubernetes.io/hostname": name, ...labels } };
    await client.create<Node>(nodes, { metadata });
    await this.#report(name);
    const renewTime = formatMicroTime(clock.nowMs());
    const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime };
    await client.create(leases, { metadata: { namespace: LEASE_NAMESPACE, name }, spec });
    this.#renewLater(name);
  }

  /** As when the machine loses its power. */
  stop(name: string): void {
    this.#alive.get(name)?.();
    this.#alive.delete(name);
  }

  /** The machine has its network again. */
  async resume(name: string): Promise<void> {
    await this.#report(name);
    await this.#renew(name);
    this.#renewLater(name);
  }

  close(): void {
    for (const name of [...this.#alive.keys()]) this.stop(name);
  }

  #renewLater(name: string): void {
    const cancel = this.#options.clock.after(RENEW_MS, () => {
      this.#renewLater(name);
      void ignoreGone(this.#renew(name));
    });
    this.#alive.set(name, cancel);
  }

  async #renew(name: string): Promise<void> {
    const { client, clock } = this.#options;
    const body = { spec: { renewTime: formatMicroTime(clock.nowMs()) } };
    await client.patch(leases, { namespace: LEASE_NAMESPACE, name }, { type: "merge", body });
  }

  async #report(name: string): Promise<void> {
    const { client, clock } = this.#options;
    const now = formatTime(clock.nowMs());
    const ready = { type: "Ready", status: "True", reason: "KubeletReady", message: "" };
    const conditions = [{ ...ready, lastHeartbeatTime: now, lastTransitionTime: now }];
    const patch = { type: "merge", body: { status: { conditions } } } as const;
    await client.patch(nodes, { name }, patch, { subresource: "status" });
  }

  #lookAtAll(): void {
    for (const pod of this.#options.informers.of(pods).store.values()) this.#look(pod);
  }

  #look(pod: Pod): void {
    const { nodeName = "" } = pod.spec;
    if (nodeName === "") {
      this.#once(`bind ${pod.metadata.uid}`, 0, pod, (now) => this.#bind(now));
    } else if (pod.metadata.deletionTimestamp !== undefined) {
      this.#once(`end ${pod.metadata.uid}`, END_MS, pod, (now) => this.#end(now));
    } else if (pod.status.phase === "Pending") {
      this.#once(`start ${pod.metadata.uid}`, START_MS, pod, (now) => this.#start(now));
    }
  }

  /** Later, on what the pod then is. */
  #once(what: string, delayMs: number, pod: Pod, act: (now: Pod) => Promise<unknown>): void {
    if (this.#busy.has(what)) return;
    this.#busy.add(what);
    const { clock, informers } = this.#options;
    clock.after(delayMs, () => {
      this.#busy.delete(what);
      const now = informers.of(pods).store.get(keyOf(pod));
      if (now?.metadata.uid === pod.metadata.uid) void ignoreGone(act(now));
    });
  }

  async #bind(pod: Pod): Promise<void> {
    if ((pod.spec.nodeName ?? "") !== "") return;
    const open = [...this.#options.informers.of(nodes).store.values()].filter(
      (node) => this.#alive.has(node.metadata.name) && isOpen(node, pod),
    );
    const pin = pinOf(pod);
    const node =
      pin === undefined
        ? open[this.#turn++ % open.length]
        : open.find((each) => each.metadata.name === pin);
    if (node !== undefined) await this.#options.client.bind(pod, node.metadata.name);
  }

  async #start(pod: Pod): Promise<void> {
    if (!this.#alive.has(pod.spec.nodeName ?? "") || pod.status.phase !== "Pending") return;
    const outcome = outcomeOf(pod);
    if (outcome !== undefined) this.#finishLater(pod, outcome);
    const isBad = pod.spec.containers.some(({ image }) => image?.includes("bad"));
    const now = formatTime(this.#options.clock.nowMs());
    const condition = { type: "Ready", status: isBad ? "False" : "True", lastTransitionTime: now };
    const podIP = `10.0.0.${++this.#addresses}`;
    const status = { phase: "Running", podIP, podIPs: [{ ip: podIP }], conditions: [condition] };
    await this.#patchStatus(pod, status);
  }

  #finishLater(pod: Pod, phase: "Failed" | "Succeeded"): void {
    this.#once(`finish ${pod.metadata.uid}`, END_MS, pod, (now) => this.#finish(now, phase));
  }

  /** The last word on a pod: all its containers have ended. */
  async #finish(pod: Pod, phase: "Failed" | "Succeeded"): Promise<void> {
    if (isTerminal(pod) || !this.#alive.has(pod.spec.nodeName ?? "")) return;
    const exitCode = phase === "Succeeded" ? 0 : 1;
    const now = formatTime(this.#options.clock.nowMs());
    const terminated = { exitCode, finishedAt: now };
    const containerStatuses = pod.spec.containers.map(({ image, name }) => ({
      name,
      image,
      imageID: "",
      ready: false,
      restartCount: 0,
      state: { terminated },
    }));
    const ready = { type: "Ready", status: "False", lastTransitionTime: now };
    await this.#patchStatus(pod, { phase, conditions: [ready], containerStatuses });
  }

  async #end(pod: Pod): Promise<void> {
    if (!this.#alive.has(pod.spec.nodeName ?? "")) return;
    await this.#finish(pod, "Failed");
    const { name, namespace = "", uid } = pod.metadata;
    const options = { gracePeriodSeconds: 0, preconditions: { uid } };
    await this.#options.client.delete(pods, { namespace, name }, options);
  }

  async #patchStatus(pod: Pod, status: object): Promise<void> {
    const { name, namespace = "" } = pod.metadata;
    const patch = { type: "strategic", body: { status: { ...status } } } as const;
    await this.#options.client.patch(pods, { namespace, name }, patch, { subresource: "status" });
  }
}

function outcomeOf({ spec }: Pod): "Failed" | "Succeeded" | undefined {
  const image = spec.containers[0]?.image ?? "";
  if (image.includes("fails")) return "Failed";
  return image.includes("ends") ? "Succeeded" : undefined;
}

function isOpen(node: Node, pod: Pod): boolean {
  const taints = (node.spec.taints ?? []).filter((taint) => taint.effect !== "PreferNoSchedule");
  return toleratesAll(pod.spec.tolerations ?? [], taints);
}

function pinOf(pod: Pod): string | undefined {
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0];
}

async function ignoreGone(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!StatusError.is(error, "NotFound") && !StatusError.is(error, "Conflict")) throw error;
  }
}
