/** `import { useCluster } from "naru/testing"`: one cluster for the tests of a file, with any test runner. */
import { Cluster, type ClusterOptions } from "./cluster.ts";

/** The runner's hooks: `{ before, after }` of node:test, `{ before: beforeAll, after: afterAll }` of vitest and jest. */
export interface Hooks {
  readonly before: (run: () => Promise<void>) => void;
  readonly after: (run: () => Promise<void>) => void;
}

/** Starts a cluster before the tests of this file or suite and stops it after them. The result gives it to the tests. */
export function useCluster(hooks: Hooks, options: ClusterOptions = {}): () => Cluster {
  let cluster: Cluster | undefined;
  hooks.before(async () => {
    cluster = await Cluster.start(options);
  });
  hooks.after(async () => {
    await cluster?.stop();
    cluster = undefined;
  });
  return () => {
    if (cluster === undefined)
      throw new Error("the cluster runs only while tests do: ask for it inside of one");
    return cluster;
  };
}
