/** `import { Cluster } from "naru"`: a real cluster inside a program or a test. */
export { Client, type ObjectKey } from "#client";
export { StatusError } from "#lib/status-error";
export type { ApiObject, Draft } from "#proto";
export * from "#resources";
export type { Manifests } from "./apply.ts";
export {
  Cluster,
  type ClusterOptions,
  type ClusterUser,
  type WaitForOptions,
} from "./cluster.ts";
