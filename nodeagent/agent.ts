/** A node's agent: a worker for each pod that is bound to the node, and the node itself kept known. */
import { type Client, EventRecorder, Informer, type Informers } from "#client";
import { keyOf } from "#lib/api/key";
import { isTerminal } from "#lib/api/pod";
import type { Clock } from "#lib/clock";
import type { Logger } from "#lib/logger";
import type { Random } from "#lib/random";
import type { Pod } from "#proto/core/v1";
import { pods, services } from "#resources";
import type { NodeTunnelClient } from "#services/tunnel";
import type { ImageService } from "./images/image-service.ts";
import { removeOldLogs } from "./logs/kept-logs.ts";
import type { PodNetwork } from "./network/pod-network.ts";
import type { MachineFacts } from "./node/facts.ts";
import { NodeKeeper } from "./node/node-keeper.ts";
import type { PodDeps } from "./pod/deps.ts";
import type { DnsSettings } from "./pod/etc-files.ts";
import { ObjectWatches } from "./pod/object-watches.ts";
import { podDirectory, volumesDirectory } from "./pod/pod-files.ts";
import { recordedPods, removeRecord } from "./pod/pod-record.ts";
import { WaitingResizes } from "./pod/resize/waiting-resizes.ts";
import { type FoundPod, PodWorker } from "./pod/worker.ts";
import type { Runtime } from "./runtime/runtime.ts";
import { readCounters } from "./stats/counters.ts";
import type { MachineFiles } from "./stats/machine-usage.ts";
import { summaryOf } from "./stats/summary.ts";
import { UsageMeter } from "./stats/usage-meter.ts";
import { NodeApi } from "./streams/node-api.ts";
import { podLogs, serveSession } from "./streams/serve-session.ts";
import { runTunnel } from "./streams/tunnel-client.ts";
import { keepLocalVolumes } from "./volumes/local-volumes.ts";
import { removeVolumes } from "./volumes/pod-volumes.ts";
import type { VolumeKernel } from "./volumes/volume.ts";

export interface AgentOptions {
  readonly client: Client;
  /** The cluster's services, for environment variables; shared with the network. Started by the caller. */
  readonly informers: Informers;
  /** Undefined: no logs, exec and port-forward over the API server. */
  readonly tunnel: NodeTunnelClient | undefined;
  readonly runtime: Runtime;
  readonly images: ImageService;
  readonly network: PodNetwork;
  readonly volumeKernel: VolumeKernel;
  readonly dns: DnsSettings;
  readonly facts: MachineFacts;
  /** The machine's /proc. */
  readonly files: MachineFiles;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly stateDir: string;
  readonly nodeName: string;
  readonly nodeIp: string;
  readonly podCidr: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** How often the node tells that it lives; 10 s if absent. */
  readonly renewMs?: number;
  /** Removes images that nothing uses when the disk fills up; asked once a minute. */
  collectImages?(): Promise<unknown>;
  /** Resolves when pods can be run; the node is not ready before. */
  readonly networkReady?: Promise<void>;
}

export interface Agent {
  /** The node is registered and its pods are looked after. */
  readonly ready: Promise<void>;
  /** Stops looking after the pods, which live on. */
  close(): Promise<void>;
}

const HOUSEKEEPING_MS = 60_000;

export async function startAgent(options: AgentOptions): Promise<Agent> {
  const agent = new NodeAgent(options);
  await agent.start();
  return agent;
}

class NodeAgent implements Agent {
  readonly #options: AgentOptions;
  readonly #deps: PodDeps;
  readonly #workers = new Map<string, PodWorker>();
  readonly #pods: Informer<Pod>;
  readonly #keeper: NodeKeeper;
  readonly #objects: ObjectWatches;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[] = [];
  readonly #ready = Promise.withResolvers<void>();
  readonly #resizes = new WaitingResizes(() => this.#workers.values());
  #found = new Map<string, FoundPod>();

  constructor(options: AgentOptions) {
    this.#options = options;
    const { client, clock, random, logger, nodeName, nodeIp, stateDir, facts } = options;
    const access = { client, clock, random, logger };
    this.#objects = new ObjectWatches(access);
    this.#pods = new Informer(pods, { fieldSelector: `spec.nodeName=${nodeName}` }, access);
    this.#keeper = new NodeKeeper({
      ...options,
      ip: nodeIp,
      labels: options.labels ?? {},
    });
    options.informers
      .of(services)
      .store.addIndex("namespace", ({ metadata }) => [metadata.namespace ?? ""]);
    this.#deps = {
      ...options,
      objects: this.#objects,
      recorder: new EventRecorder({ ...access, component: "kubelet", host: nodeName }),
      node: {
        name: nodeName,
        ip: nodeIp,
        cpuMilli: facts.cpus * 1000,
        memoryBytes: facts.memoryBytes,
      },
      services: (namespace) => this.#services(namespace),
      apiNode: () => this.#keeper.node,
      otherPods: (uid) =>
        [...this.#workers.values()]
          .filter((worker) => worker.uid !== uid)
          .map((worker) => worker.allocatedPod)
          .filter((pod) => !isTerminal(pod)),
      paths: {
        pods: `${stateDir}/pods`,
        logs: `${stateDir}/logs`,
        seccomp: `${stateDir}/seccomp`,
        localVolumes: `${stateDir}/local-volumes`,
      },
    };
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  async start(): Promise<void> {
    const { signal } = this.#stop;
    this.#own("node", this.#keeper.run(signal));
    await this.#takeStock();
    this.#own("events", this.#followRuntime());
    this.#pods.onChange((before, after) => this.#podChanged(before, after));
    this.#own("pods", this.#pods.run(signal));
    this.#own("start", this.#becomeReady());
    this.#own("tunnel", this.#serveStreams());
    const { localVolumes: directory } = this.#deps.paths;
    this.#own("volumes", keepLocalVolumes({ ...this.#options, directory }, signal));
    this.#housekeep();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#objects.close();
    await Promise.all([...this.#workers.values()].map((worker) => worker.close()));
    await Promise.all(this.#running);
  }

  /** What the runtime has already, by pod. */
  async #takeStock(): Promise<void> {
    const { sandboxes, containers } = await this.#options.runtime.list();
    const uids = new Set([
      ...sandboxes.map(({ config }) => config.id),
      ...containers.map(({ config }) => config.sandboxId),
    ]);
    for (const uid of uids) {
      this.#found.set(uid, {
        sandbox: sandboxes.find(({ config }) => config.id === uid),
        containers: containers.filter(({ config }) => config.sandboxId === uid),
      });
    }
    await this.#options.network.retain(new Set(sandboxes.map(({ config }) => config.id)));
  }

  async #becomeReady(): Promise<void> {
    await Promise.all([this.#pods.synced, this.#keeper.registered]);
    await this.#removeOrphans();
    await this.#options.networkReady;
    this.#resizes.begin();
    this.#keeper.setReady(undefined);
    this.#ready.resolve();
    this.#options.logger.info("agent ready", { node: this.#options.nodeName });
  }

  /** Pods that the API has no more: deleted by force while no agent was there. */
  async #removeOrphans(): Promise<void> {
    const { runtime, network, volumeKernel, logger } = this.#options;
    const { paths } = this.#deps;
    const orphans = new Set([...this.#found.keys(), ...recordedPods(paths.pods)]);
    this.#found = new Map();
    for (const uid of orphans) {
      if (this.#workers.has(uid)) continue;
      logger.info("orphaned pod removed", { uid });
      await runtime.removeSandbox(uid);
      await network.detach(uid);
      removeVolumes(volumeKernel, volumesDirectory(paths, uid));
      removeRecord(podDirectory(paths, uid));
    }
  }

  #podChanged(before: Pod | undefined, after: Pod | undefined): void {
    const uid = (after ?? before)?.metadata.uid ?? "";
    const worker = this.#workers.get(uid);
    // Whoever comes, goes, ends or wants less may have made room.
    this.#resizes.retry();
    if (worker !== undefined) {
      worker.update(after);
      return;
    }
    // Ended, and nothing of it is left here.
    if (after === undefined || this.#stop.signal.aborted) return;
    const found = this.#found.get(uid);
    this.#found.delete(uid);
    this.#workers.set(
      uid,
      new PodWorker(this.#deps, after, found, () => {
        this.#workers.delete(uid);
        this.#resizes.retry();
      }),
    );
  }

  async #followRuntime(): Promise<void> {
    const { runtime } = this.#options;
    for await (const { id, state } of runtime.events(this.#stop.signal)) {
      for (const worker of this.#workers.values()) {
        if (worker.owns(id)) worker.runtimeState(id, state);
      }
    }
  }

  async #serveStreams(): Promise<void> {
    const { tunnel, clock, logger, nodeName, runtime } = this.#options;
    if (tunnel === undefined) return;
    const pods = () => [...this.#workers.values()].map((worker) => worker.forStreams());
    const meter = new UsageMeter(clock, () => readCounters({ ...this.#options, pods }));
    const summary = async (signal: AbortSignal) => summaryOf(nodeName, await meter.measure(signal));
    const streams = {
      runtime,
      clock,
      logs: this.#deps.paths.logs,
      find: (namespace: string, name: string) => {
        const uid = this.#pods.store.get(`${namespace}/${name}`)?.metadata.uid ?? "";
        const worker = this.#workers.get(uid) ?? this.#workerByName(namespace, name);
        return worker?.forStreams();
      },
      summary,
    };
    const nodeApi = new NodeApi({
      logger,
      summary,
      pods: () => pods().map(({ pod }) => pod),
      logs: (asked, signal) => podLogs(streams, asked, signal),
    });
    const handle = (session: Parameters<typeof serveSession>[1]) =>
      serveSession({ ...streams, nodeApi }, session);
    await runTunnel({ tunnel, clock, logger, handle }, this.#stop.signal);
  }

  #workerByName(namespace: string, name: string): PodWorker | undefined {
    return [...this.#workers.values()].find(
      (worker) => keyOf(worker.currentPod) === `${namespace}/${name}`,
    );
  }

  #services(namespace: string) {
    const { store } = this.#options.informers.of(services);
    const kubernetes = store.get("default/kubernetes");
    const own = [...store.by("namespace", namespace)];
    const isThere = kubernetes === undefined || own.includes(kubernetes);
    return isThere ? own : [kubernetes, ...own];
  }

  #housekeep(): void {
    if (this.#stop.signal.aborted) return;
    const { clock, logger } = this.#options;
    const workers = [...this.#workers.values()];
    void this.#tellImagesInUse(workers);
    // The node itself may have become larger.
    this.#resizes.retry();
    const living = new Set(workers.map((worker) => worker.uid));
    try {
      if (this.#pods.hasSynced) removeOldLogs(this.#deps.paths.logs, living, clock.nowMs());
    } catch (error) {
      logger.info("old logs not removed", { error });
    }
    const cancel = clock.after(HOUSEKEEPING_MS, () => {
      this.#stop.signal.removeEventListener("abort", cancel);
      this.#housekeep();
    });
    this.#stop.signal.addEventListener("abort", cancel, { once: true });
  }

  /** Statuses name images by digest where there is one; the image service wants its own ids. */
  async #tellImagesInUse(workers: readonly PodWorker[]): Promise<void> {
    const { images, logger } = this.#options;
    try {
      const named = new Set(workers.flatMap((worker) => worker.imageIds));
      const used = (await images.list()).filter(({ id, digests }) =>
        [id, ...digests].some((each) => named.has(each)),
      );
      images.inUse(new Set(used.map(({ id }) => id)));
      // Before the pods are known, their images would look unused.
      if (this.#pods.hasSynced) await this.#options.collectImages?.();
    } catch (error) {
      logger.info("images not looked after", { error });
    }
  }

  #own(name: string, work: Promise<void>): void {
    const guarded = work.catch((error) => {
      if (!this.#stop.signal.aborted)
        this.#options.logger.error("agent part failed", { name, error });
    });
    this.#running.push(guarded);
  }
}
