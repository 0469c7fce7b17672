/** What a pod's worker is handed. */
import type { Client, EventRecorder } from "#client";
import type { Clock } from "#lib/clock";
import type { Logger } from "#lib/logger";
import type { Node, Pod, Service } from "#proto/core/v1";
import type { ImageService } from "../images/image-service.ts";
import type { PodNetwork } from "../network/pod-network.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { VolumeKernel } from "../volumes/volume.ts";
import type { DnsSettings } from "./etc-files.ts";
import type { NodeFacts } from "./field-value.ts";
import type { ObjectWatches } from "./object-watches.ts";

export interface PodDeps {
  readonly client: Client;
  readonly runtime: Runtime;
  readonly images: ImageService;
  readonly network: PodNetwork;
  readonly objects: ObjectWatches;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly volumeKernel: VolumeKernel;
  readonly node: NodeFacts;
  readonly dns: DnsSettings;
  /** Of the pod's namespace and of the API server's own. */
  services(namespace: string): readonly Service[];
  /** The node as the API has it, when it is known already. */
  apiNode(): Node | undefined;
  /** Other pods that take up room here, with what they were given. */
  otherPods(uid: string): readonly Pod[];
  readonly paths: PodPaths;
}

export interface PodPaths {
  /** A directory a pod. */
  readonly pods: string;
  readonly logs: string;
  readonly seccomp: string;
  /** Of persistent volumes, which outlive pods. */
  readonly localVolumes: string;
}
