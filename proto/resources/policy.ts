import type { PodDisruptionBudget } from "#proto/policy/v1";
import { resource, STATUS } from "./resource.ts";

export const podDisruptionBudgets = resource<PodDisruptionBudget>({
  group: "policy",
  version: "v1",
  kind: "PodDisruptionBudget",
  plural: "poddisruptionbudgets",
  shortNames: ["pdb"],
  subresources: [STATUS],
});
