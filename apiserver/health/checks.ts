/**
 * What a server looks at to say that it is well. Names are kube-apiserver's, which probes and dashboards ask for. Its
 * post-start hooks are absent: what they do is done here before the server listens.
 */
import type { Logger } from "#lib/logger";
import type { Store } from "../storage/store.ts";
import type { HealthCheck } from "./health.ts";

export interface Looked {
  readonly store: Pick<Store, "revision">;
  readonly logger: Logger;
  /** Whether what is read is what the store has. */
  readonly objects: { readonly isFollowing: boolean };
  /** Aborts when the program begins to end. */
  readonly stopping: AbortSignal | undefined;
}

export function healthChecks({ logger, objects, stopping, store }: Looked): readonly HealthCheck[] {
  return [
    { name: "ping", check: () => {} },
    { name: "log", check: () => logger.debug("the log takes lines") },
    {
      name: "etcd",
      check: async () => {
        await store.revision();
      },
    },
    {
      name: "informer-sync",
      isReadinessOnly: true,
      check: () => failUnless(objects.isFollowing, "the cache has lost its place in the store"),
    },
    {
      name: "shutdown",
      isReadinessOnly: true,
      check: () => failUnless(stopping?.aborted !== true, "the server is ending"),
    },
  ];
}

function failUnless(isWell: boolean, why: string): void {
  if (!isWell) throw new Error(why);
}
