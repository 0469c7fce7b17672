/** What goes into a pod's containers: volumes, files, environment. Puts them there, and starts the containers. */
import { allContainers } from "#lib/api/pod";
import type { Container, Pod } from "#proto/core/v1";
import type { Image } from "../images/image-service.ts";
import type { ContainerState } from "../runtime/runtime.ts";
import { setUpVolumes, volumeMounts } from "../volumes/pod-volumes.ts";
import { accountFiles } from "./account-files.ts";
import type { PodDeps } from "./deps.ts";
import { environmentOf, serviceVariables } from "./environment.ts";
import { expand } from "./expand.ts";
import { fieldValue, type PodFacts, resourceValue } from "./field-value.ts";
import { containerConfig, containerId } from "./oci-spec.ts";
import {
  logPath,
  makeShm,
  makeTerminationLog,
  terminationLog,
  volumesDirectory,
  writeEtcFiles,
} from "./pod-files.ts";

export interface Start {
  readonly container: Container;
  readonly attempt: number;
  readonly image: Image;
}

export class PodContents {
  readonly #deps: PodDeps;

  constructor(deps: PodDeps) {
    this.#deps = deps;
  }

  /** Throws ConfigError and VolumeError for what cannot be as the pod describes it. */
  async start(
    pod: Pod,
    podIp: string,
    { container, attempt, image }: Start,
  ): Promise<ContainerState> {
    const { paths, dns, volumeKernel, node, objects, runtime } = this.#deps;
    const { namespace = "", uid } = pod.metadata;
    const environment = environmentOf({
      facts: this.#facts(pod, podIp),
      container,
      sources: objects.sources(namespace),
      imageEnv: image.config.env,
      services: this.#serviceVariables(pod),
    });
    const volumes = this.setUpVolumes(pod, podIp);
    const termination = terminationLog(paths, uid, containerId(pod, container, attempt));
    makeTerminationLog(termination);
    // With the node's network its own hosts file is right, unless the pod adds to it.
    const isNodes = pod.spec.hostNetwork === true && pod.spec.hostAliases === undefined;
    const etc = writeEtcFiles(paths, pod, podIp, dns);
    const config = containerConfig({
      pod,
      container,
      attempt,
      image,
      environment,
      accounts: accountFiles(image.layerDirs),
      volumeMounts: volumeMounts(pod, container, volumes, (text) => expand(text, environment)),
      files: {
        ...etc,
        ...(isNodes ? { hosts: "/etc/hosts" } : {}),
        terminationLog: termination,
        seccompDir: paths.seccomp,
      },
      shmPath: pod.spec.hostIPC === true ? "/dev/shm" : makeShm(volumeKernel, paths, uid),
      logPath: logPath(paths, pod, container.name, attempt),
      nodeMemoryBytes: node.memoryBytes,
    });
    return runtime.startContainer(config);
  }

  /** Host paths by volume. Files whose source has changed are written anew. */
  setUpVolumes(pod: Pod, podIp: string): ReadonlyMap<string, string> {
    const { objects, volumeKernel, paths } = this.#deps;
    const facts = this.#facts(pod, podIp);
    const { namespace = "" } = pod.metadata;
    return setUpVolumes({
      pod,
      kernel: volumeKernel,
      directory: volumesDirectory(paths, pod.metadata.uid),
      ...objects.sources(namespace),
      trustBundles: (wanted) => objects.trustBundles(wanted),
      claimed: (name) => objects.claimed(namespace, name),
      localVolumes: paths.localVolumes,
      ...objects.sources(pod.metadata.namespace ?? ""),
      token: (wanted) => objects.token(pod.metadata.uid, wanted),
      field: (path) => fieldValue(facts, path),
      resource: (containerName, resource, divisor) => {
        const own = allContainers(pod).find(({ name }) => name === containerName);
        if (own === undefined) return undefined;
        const ref = { resource, ...(divisor === undefined ? {} : { divisor }) };
        return resourceValue(facts, own, ref);
      },
    });
  }

  #serviceVariables({ spec, metadata }: Pod): ReadonlyMap<string, string> {
    const all = this.#deps.services(metadata.namespace ?? "");
    const isApi = (service: (typeof all)[number]): boolean =>
      service.metadata.namespace === "default" && service.metadata.name === "kubernetes";
    return serviceVariables((spec.enableServiceLinks ?? true) ? all : all.filter(isApi));
  }

  #facts(pod: Pod, podIp: string): PodFacts {
    return { pod, podIp, node: this.#deps.node };
  }
}
