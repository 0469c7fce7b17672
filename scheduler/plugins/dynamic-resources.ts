import type { FilterPlugin } from "../framework/plugin.ts";

/** Keeps pods that claim devices off all nodes: nothing here allocates any, and without them they must not run. */
export const dynamicResources: FilterPlugin = {
  name: "DynamicResources",
  retryOn: [],
  helpedByPreemption: false,
  prepare({ pod }) {
    if ((pod.spec.resourceClaims ?? []).length === 0) return undefined;
    return {
      allows: () => false,
      reasons: () => [
        {
          text: "node(s) cannot allocate the pod's resource claims: nothing here allocates devices",
        },
      ],
    };
  },
};
