/** Makes and removes what a pod's containers live in: sandbox, address, volumes. */
import { keyOf } from "#lib/api/key";
import { sleep } from "#lib/clock";
import type { Pod } from "#proto/core/v1";
import { removeVolumes } from "../volumes/pod-volumes.ts";
import type { PodDeps } from "./deps.ts";
import { volumesDirectory } from "./pod-files.ts";
import { sandboxConfig } from "./sandbox-config.ts";

export const SANDBOX_RETRY_MS = 2_000;

/** Resolves with the pod's address once what its volumes need is known. */
export async function makeSandbox(
  deps: PodDeps,
  pod: Pod,
  sourceChanged: () => void,
): Promise<string> {
  const { objects, runtime } = deps;
  const followed = objects.follow(pod, sourceChanged);
  const { netnsPath } = await runtime.createSandbox(sandboxConfig(pod));
  const ip =
    netnsPath === undefined
      ? deps.node.ip
      : (await deps.network.attach(pod.metadata.uid, netnsPath)).ip;
  await followed;
  return ip;
}

/** Tries until it is gone, or nobody waits any more. */
export async function removeSandbox(deps: PodDeps, pod: Pod, signal: AbortSignal): Promise<void> {
  const { runtime, network, objects, paths, volumeKernel, clock, logger } = deps;
  const { uid } = pod.metadata;
  while (!signal.aborted) {
    try {
      await runtime.removeSandbox(uid);
      await network.detach(uid);
      removeVolumes(volumeKernel, volumesDirectory(paths, uid));
      objects.unfollow(uid);
      return;
    } catch (error) {
      logger.info("pod not removed", { pod: keyOf(pod), error });
      await sleep(clock, SANDBOX_RETRY_MS, signal);
    }
  }
}
