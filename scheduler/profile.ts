import type { Profile } from "./cycle/decide.ts";
import { dynamicResources } from "./plugins/dynamic-resources.ts";
import { imageLocality } from "./plugins/image-locality.ts";
import { interPodAffinity, preferAffinePods } from "./plugins/inter-pod-affinity.ts";
import { nodeAffinity, preferAffineNodes } from "./plugins/node-affinity.ts";
import { nodeName } from "./plugins/node-name.ts";
import { nodePorts } from "./plugins/node-ports.ts";
import { nodeUnschedulable } from "./plugins/node-unschedulable.ts";
import { balancedAllocation, leastAllocated, resourcesFit } from "./plugins/resources-fit.ts";
import { preferUntainted, taintToleration } from "./plugins/taint-toleration.ts";
import { preferSpread, topologySpread } from "./plugins/topology-spread.ts";
import { type Volumes, volumeBinding } from "./plugins/volume-binding.ts";

/** kube-scheduler's default profile. Filters stand in the order that refuses most for the least work. */
export const defaultProfile = (volumes: Volumes): Profile => ({
  filters: [
    nodeUnschedulable,
    dynamicResources,
    nodeName,
    nodeAffinity,
    taintToleration,
    resourcesFit,
    nodePorts,
    volumeBinding(volumes),
    topologySpread,
    interPodAffinity,
  ],
  scores: [
    leastAllocated,
    balancedAllocation,
    preferAffineNodes,
    preferUntainted,
    preferSpread,
    preferAffinePods,
    imageLocality,
  ],
});
