/** How every other program sees the cluster. */
export type * from "./transport/transport.ts";
