import type { Pod, ServiceAccountTokenProjection } from "#proto/core/v1";
import { isInside } from "./atomic-files.ts";
import { type VolumeContext, VolumeError, type VolumeFiles } from "./volume.ts";

/** Only its owner may read it, where there is one user or a group to be given to. As kubelet has it. */
const OWNERS_MODE = 0o600;

export function serviceAccountTokenFiles(
  context: VolumeContext,
  source: ServiceAccountTokenProjection,
  mode: number,
): VolumeFiles {
  const { path } = source;
  if (!isInside(path)) throw new VolumeError(`path "${path}" leaves the volume`);
  const uid = userOf(context.pod);
  const isOwned = uid !== undefined || context.pod.spec.securityContext?.fsGroup !== undefined;
  const data = Buffer.from(tokenOf(context, source));
  const owner = uid === undefined ? {} : { uid };
  return new Map([[path, { data, mode: isOwned ? OWNERS_MODE : mode, ...owner }]]);
}

function tokenOf(context: VolumeContext, source: ServiceAccountTokenProjection): string {
  try {
    return context.token(source);
  } catch (error) {
    throw new VolumeError(error instanceof Error ? error.message : String(error));
  }
}

/** The user that all containers run as; undefined when they differ, or an image decides. */
function userOf({ spec }: Pod): number | undefined {
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const users = new Set(
    containers.map((each) => each.securityContext?.runAsUser ?? spec.securityContext?.runAsUser),
  );
  const [user] = users;
  return users.size === 1 && user !== undefined ? Number(user) : undefined;
}
