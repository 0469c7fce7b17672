/** A node without a kernel: one pod's worker over a fake runtime, under a clock of the test's own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, EventRecorder, type Transport } from "#client";
import { silentLogger } from "#lib/logger";
import { StatusError } from "#lib/status-error";
import { seededRandom, VirtualClock } from "#lib/testing/virtual-clock";
import type { Node, Pod, PodStatus } from "#proto/core/v1";
import { ImageError, type ImageService } from "../../images/image-service.ts";
import { FakeRuntime, type FakeRuntimeOptions } from "../../runtime/fake-runtime.ts";
import type { PodDeps } from "../deps.ts";
import { ObjectWatches } from "../object-watches.ts";
import { WaitingResizes } from "../resize/waiting-resizes.ts";
import { PodWorker } from "../worker.ts";

export class TestNode {
  readonly clock = new VirtualClock();
  readonly runtime: FakeRuntime;
  readonly events: string[] = [];
  readonly directory = mkdtempSync(join(tmpdir(), "naru-pod-"));
  /** Every start that the runtime has seen, by container id. */
  readonly starts: string[] = [];
  status: PodStatus = {};
  isForgotten = false;
  pod: Pod;
  /** As the API has it; resizes need to know. */
  node: Node | undefined;
  others: readonly Pod[] = [];
  readonly #resizes = new WaitingResizes(() => (this.#worker === undefined ? [] : [this.#worker]));
  readonly #deps: PodDeps;
  #worker: PodWorker | undefined;
  #life = new AbortController();

  constructor(pod: Pod, options: Omit<FakeRuntimeOptions, "clock"> = {}) {
    this.pod = pod;
    this.runtime = new FakeRuntime({
      ...options,
      clock: this.clock,
      onStart: (config) => {
        this.starts.push(config.id);
        return options.onStart?.(config);
      },
    });
    const { clock, directory } = this;
    const random = seededRandom(1);
    const client = new Client(this.#transport());
    const access = { client, clock, random, logger: silentLogger };
    this.#deps = {
      ...access,
      runtime: this.runtime,
      images: IMAGES,
      network: {
        attach: async () => ({ ip: "10.1.0.2" }),
        detach: async () => {},
        retain: async () => {},
        publish: async () => {},
      },
      objects: new ObjectWatches(access),
      recorder: new EventRecorder({ ...access, component: "kubelet" }),
      volumeKernel: { mountTmpfs: () => {}, unmount: () => {} },
      node: { name: "node-1", ip: "10.0.0.1", cpuMilli: 2000, memoryBytes: 1024 ** 3 },
      dns: { clusterDns: ["10.96.0.10"], clusterDomain: "cluster.local", nodeResolvConf: "" },
      services: () => [],
      apiNode: () => this.node,
      otherPods: () => this.others,
      paths: {
        pods: join(directory, "pods"),
        logs: join(directory, "logs"),
        seccomp: "/none",
        localVolumes: join(directory, "local-volumes"),
      },
    };
  }

  /** Begins, or begins again with what the runtime and the disk remember. */
  async start(): Promise<void> {
    const { sandboxes, containers } = await this.runtime.list();
    const found =
      sandboxes.length + containers.length === 0
        ? undefined
        : { sandbox: sandboxes[0], containers };
    this.#life = new AbortController();
    const { signal } = this.#life;
    const worker = new PodWorker(this.#deps, this.pod, found, () => {
      this.isForgotten = true;
    });
    this.#worker = worker;
    void this.#follow(worker, signal);
    this.#resizes.begin();
    await this.clock.settle();
  }

  /** As kill -9: nothing is finished, nothing is said. */
  kill(): void {
    this.#life.abort();
    void this.#worker?.close();
    this.#worker = undefined;
  }

  /** As the API tells of a change to its spec. */
  async update(spec: Partial<Pod["spec"]>): Promise<void> {
    this.change(spec);
    this.#worker?.update(this.pod);
    await this.retryResizes();
  }

  /** A change to its spec that nobody here has heard of yet. */
  change(spec: Partial<Pod["spec"]>): void {
    const { generation = 1 } = this.pod.metadata;
    const metadata = { ...this.pod.metadata, generation: generation + 1 };
    this.pod = { ...this.pod, metadata, spec: { ...this.pod.spec, ...spec } };
  }

  async retryResizes(): Promise<void> {
    this.#resizes.retry();
    await this.clock.settle();
  }

  async delete(graceSeconds: number): Promise<void> {
    const at = new Date(this.clock.nowMs() + graceSeconds * 1000).toISOString();
    const deletion = { deletionTimestamp: at, deletionGracePeriodSeconds: graceSeconds };
    this.pod = { ...this.pod, metadata: { ...this.pod.metadata, ...deletion } };
    this.#worker?.update(this.pod);
    await this.clock.settle();
  }

  [Symbol.dispose](): void {
    this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #follow(worker: PodWorker, signal: AbortSignal): Promise<void> {
    for await (const { id, state } of this.runtime.events(signal)) {
      if (signal.aborted) return;
      worker.runtimeState(id, state);
    }
  }

  #transport(): Transport {
    const refuse = (): never => {
      throw new StatusError("MethodNotAllowed", "the test has no such call");
    };
    return {
      get: refuse,
      list: refuse,
      watch: refuse,
      update: refuse,
      deleteCollection: refuse,
      create: async (_target, object) => {
        const { reason, message } = object as {
          readonly reason?: string;
          readonly message?: string;
        };
        this.events.push(`${reason}: ${message}`);
        return object as never;
      },
      patch: async (target, patch) => {
        if (target.subresource === "status") {
          const { status } = patch.body as unknown as { readonly status: PodStatus };
          const conditions = status.conditions?.filter((each) => !("$patch" in each));
          this.status = { ...status, ...(conditions === undefined ? {} : { conditions }) };
          this.pod = { ...this.pod, status: this.status };
        } else if (target.resource.kind === "Event") {
          // Told once more: the recorder counts.
          this.events.push(`again: ${target.name}`);
        }
        return this.pod;
      },
      delete: async () => undefined,
    };
  }
}

const IMAGES: ImageService = {
  ensure: async ({ reference }) => {
    if (reference === "missing") throw new ImageError("ErrImagePull", "no such image");
    return {
      id: `sha256:${reference}`,
      references: [reference],
      digests: [],
      sizeBytes: 1,
      pinned: false,
      layerDirs: [],
      config: {
        user: "",
        env: [],
        entrypoint: ["/run"],
        cmd: [],
        workingDir: "",
        stopSignal: "",
        labels: {},
      },
    };
  },
  list: async () => [],
  remove: async () => {},
  import: async () => [],
  inUse: () => {},
};
