import type { Client, EventRecorder, Informers } from "#client";
import { labelSelectorMatcher } from "#lib/api/selector";
import { formatTime } from "#lib/api/time";
import type { Clock } from "#lib/clock";
import type { Logger } from "#lib/logger";
import type { Random } from "#lib/random";
import { StatusError } from "#lib/status-error";
import type { Pod } from "#proto/core/v1";
import type { PodDisruptionBudget } from "#proto/policy/v1";
import {
  namespaces,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  podDisruptionBudgets,
  pods,
  storageClasses,
} from "#resources";
import type { Budget } from "./preemption/plan.ts";
import { defaultProfile } from "./profile.ts";
import { Scheduler } from "./scheduler.ts";
import { VolumeBinder } from "./volume-binder.ts";

export interface SchedulerProgramOptions {
  readonly client: Client;
  readonly informers: Informers;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export const SCHEDULER_NAME = "default-scheduler";

/** Schedules until closed. The informers are started by whoever made them. */
export function startScheduler(options: SchedulerProgramOptions): { close(): void } {
  const { client, clock, informers, recorder } = options;
  const budgets = informers.of(podDisruptionBudgets);
  const claims = informers.of(persistentVolumeClaims);
  const volumes = informers.of(persistentVolumes);
  const classes = informers.of(storageClasses);
  const binder = new VolumeBinder({ client, clock, claims });
  const scheduler = new Scheduler({
    ...options,
    profile: defaultProfile({
      claim: (key) => claims.store.get(key),
      volume: (name) => volumes.store.get(name),
      storageClass: (name) => classes.store.get(name),
    }),
    schedulerName: SCHEDULER_NAME,
    actions: {
      async bind(pod, nodeName) {
        await binder.bind(pod, nodeName);
        await client.bind(pod, nodeName);
        const { name, namespace } = pod.metadata;
        const message = `Successfully assigned ${namespace}/${name} to ${nodeName}`;
        recorder.record(pod, { type: "Normal", reason: "Scheduled", message });
      },
      async refuse(pod, message, nominated) {
        recorder.record(pod, { type: "Warning", reason: "FailedScheduling", message });
        await writeRefusal(options, pod, message, nominated);
      },
      async evict(victim, preemptor) {
        const by = `${preemptor.metadata.namespace}/${preemptor.metadata.name}`;
        const message = `Preempted by pod ${by} on node ${victim.spec.nodeName ?? ""}`;
        await markDisrupted(client, victim, message, formatTime(clock.nowMs()));
        await client.delete(pods, keyOf(victim), { preconditions: { uid: victim.metadata.uid } });
        recorder.record(victim, { type: "Normal", reason: "Preempted", message });
      },
      budgets: () => [...budgets.store.values()].map(budgetOf),
    },
  });
  informers.of(namespaces).onChange((before, after) => scheduler.onNamespace(before, after));
  informers.of(nodes).onChange((before, after) => scheduler.onNode(before, after));
  for (const each of [claims, volumes, classes]) each.onKey(() => scheduler.onVolume());
  informers.of(pods).onChange((before, after) => scheduler.onPod(before, after));
  return { close: () => scheduler.close() };
}

/** Writes the condition, unless it says the same already: a waiting pod is tried often. */
async function writeRefusal(
  options: Pick<SchedulerProgramOptions, "client" | "clock">,
  pod: Pod,
  message: string,
  nominated: string | undefined,
): Promise<void> {
  const before = pod.status.conditions?.find((each) => each.type === "PodScheduled");
  const isKnown = before?.status === "False" && before.message === message;
  if (isKnown && pod.status.nominatedNodeName === nominated) return;
  const condition = {
    type: "PodScheduled",
    status: "False",
    reason: "Unschedulable",
    message,
    lastTransitionTime:
      before?.status === "False" ? before.lastTransitionTime : formatTime(options.clock.nowMs()),
  };
  const status = {
    conditions: [JSON.parse(JSON.stringify(condition))],
    ...(nominated === undefined ? {} : { nominatedNodeName: nominated }),
  };
  await ignoreGone(
    options.client.patch(
      pods,
      keyOf(pod),
      { type: "strategic", body: { status } },
      { subresource: "status" },
    ),
  );
}

async function markDisrupted(
  client: Client,
  pod: Pod,
  message: string,
  now: string,
): Promise<void> {
  const condition = {
    type: "DisruptionTarget",
    status: "True",
    reason: "PreemptionByScheduler",
    message,
    lastTransitionTime: now,
  };
  const body = { status: { conditions: [condition] } };
  await ignoreGone(
    client.patch(pods, keyOf(pod), { type: "strategic", body }, { subresource: "status" }),
  );
}

/** The pod went in between, which settles the matter. */
async function ignoreGone(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!StatusError.is(error, "NotFound")) throw error;
  }
}

function budgetOf(budget: PodDisruptionBudget): Budget {
  const matches = labelSelectorMatcher(budget.spec.selector);
  const { namespace } = budget.metadata;
  return {
    disruptionsAllowed: budget.status.disruptionsAllowed,
    covers: (info) => info.namespace === namespace && matches(info.labels),
  };
}

function keyOf({ metadata: { name, namespace = "" } }: Pod): { namespace: string; name: string } {
  return { namespace, name };
}
