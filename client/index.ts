/** How every other program sees the cluster. */
export { Client, type ObjectKey } from "./client.ts";
export { Controller, type ControllerOptions, type Reconcile } from "./controller.ts";
export { EventRecorder, type Occurrence, referenceTo } from "./events.ts";
export { type Handler, Informer, type InformerOptions } from "./informer/informer.ts";
export { Informers } from "./informer/informers.ts";
export { type Indexer, ObjectStore } from "./informer/store.ts";
export { runAsLeader } from "./leader-election.ts";
export { PendingWrites } from "./pending-writes.ts";
export type * from "./transport/transport.ts";
