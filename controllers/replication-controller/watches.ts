import type { ReplicaSet } from "#proto/apps/v1";
import type { ReplicationController } from "#proto/core/v1";
import { type Resource, replicationControllers } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";
import { replicaController } from "../replicaset/watches.ts";
import { asReplicaSet } from "./as-replica-set.ts";

/** ReplicationControllers do what ReplicaSets do; only their selector is written otherwise. */
export function replicationControllerController(context: ControllerContext): StartedController {
  const { client, informers } = context;
  const { store } = informers.of(replicationControllers);
  return replicaController(context, "replicationcontroller", {
    // Only its names are read.
    resource: replicationControllers as Resource as Resource<ReplicaSet>,
    get(key) {
      const found = store.get(key);
      return found && asReplicaSet(found);
    },
    values: () => [...store.values()].map(asReplicaSet),
    writeStatus: ({ metadata, spec, status: _, ...type }, status) => {
      const { selector, ...rest } = spec;
      const plain = { ...rest, selector: selector?.matchLabels ?? {} };
      const object = { ...type, metadata, spec: plain, status };
      return client.updateStatus(replicationControllers, object as ReplicationController);
    },
  });
}
