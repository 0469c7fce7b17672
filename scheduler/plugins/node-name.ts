import type { FilterPlugin } from "../framework/plugin.ts";

/** Keeps a pod that names its node off every other node. */
export const nodeName: FilterPlugin = {
  name: "NodeName",
  retryOn: ["Node/add"],
  helpedByPreemption: false,
  prepare(pod, snapshot) {
    const wanted = pod.pod.spec.nodeName;
    if (wanted === undefined || wanted === "") return undefined;
    return {
      allows: (slot) => snapshot.node(slot)?.name === wanted,
      reasons: () => [{ text: "node(s) didn't match the requested node name" }],
    };
  },
};
