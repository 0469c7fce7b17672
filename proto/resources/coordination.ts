import type { Lease } from "#proto/coordination/v1";
import { resource } from "./resource.ts";

export const leases = resource<Lease>({
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
});
