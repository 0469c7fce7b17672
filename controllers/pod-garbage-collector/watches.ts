import { Controller } from "#client";
import { isTerminal } from "#lib/api/pod";
import { StatusError } from "#lib/status-error";
import { pods } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";
import { planTerminated } from "./plan.ts";

const TERMINATED = "terminated";

/** Ends the oldest of the pods that have ended, when there are too many. Nothing else would: they cost only storage. */
export function podGarbageCollector(context: ControllerContext, kept: number): StartedController {
  const { client, informers } = context;
  const { store } = informers.of(pods);
  store.addIndex(TERMINATED, (pod) => (isTerminal(pod) ? [""] : []));
  const controller = new Controller({
    ...context,
    name: "pod-garbage-collector",
    async reconcile() {
      for (const { metadata } of planTerminated([...store.by(TERMINATED, "")], kept)) {
        const { name, namespace = "", uid } = metadata;
        try {
          await client.delete(pods, { namespace, name }, { preconditions: { uid } });
        } catch (error) {
          if (!StatusError.is(error, "NotFound")) throw error;
        }
      }
      return undefined;
    },
  });
  informers.of(pods).onChange(() => {
    if (store.by(TERMINATED, "").size > kept) controller.add(TERMINATED);
  });
  return controller;
}
