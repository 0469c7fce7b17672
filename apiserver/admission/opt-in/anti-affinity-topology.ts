import type { Pod } from "#proto/core/v1";
import { pods } from "#resources";
import { isWriteOf, type Validator } from "../plugin.ts";
import { refused } from "../refusal.ts";

const HOSTNAME = "kubernetes.io/hostname";

/** A pod that shuns others in a whole zone could keep everybody out of it. */
export const limitPodHardAntiAffinityTopology: Validator = (request) => {
  if (!isWriteOf(request, pods)) return undefined;
  const { spec } = request.object as unknown as Pod;
  const terms =
    spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const wide = terms.find(({ topologyKey }) => topologyKey !== HOSTNAME);
  if (wide === undefined) return undefined;
  const why = `affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey ${wide.topologyKey} but only key ${HOSTNAME} is allowed`;
  throw refused(request, why);
};
