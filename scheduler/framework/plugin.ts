/**
 * The extension points, with kube-scheduler's names. A plugin is a value. It looks at a pod once (`prepare`), and what it
 * returns answers for any number of nodes from the snapshot's columns; a plugin that has nothing to say about a pod
 * returns undefined and costs nothing.
 */
import type { PodInfo } from "../snapshot/pod-info.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";

/** Kinds of changes after which a pod that was turned away is worth another try. */
export type ClusterEvent =
  | "Node/add"
  | "Node/delete"
  | "Node/update"
  | "Pod/add"
  | "Pod/delete"
  | "Pod/update"
  | "Volume/change";

/** Answers for one pod and any node, by the node's slot in the snapshot. */
export interface FilterRun {
  allows(node: number): boolean;
  /** For people: why `allows` says no to this node. Several when several things are short. */
  reasons(node: number): readonly Reason[];
}

/** `have` and `need` are set where a quantity is short, so that the numbers can be shown. */
export interface Reason {
  readonly text: string;
  readonly need?: string;
  readonly have?: string;
}

export interface FilterPlugin {
  readonly name: string;
  /** Events after which a pod turned away by this plugin may fit. */
  readonly retryOn: readonly ClusterEvent[];
  /** Whether evicting pods from a node can make the plugin allow it. */
  readonly helpedByPreemption: boolean;
  prepare(pod: PodInfo, snapshot: Snapshot): FilterRun | undefined;
}

/** Scores for one pod, from 0 to 100, after `finish` has seen all of them. */
export interface ScoreRun {
  score(node: number): number;
  /** Brings raw scores into 0 to 100, in place. Absent: they are there already. */
  normalize?(scores: Float64Array): void;
}

export interface ScorePlugin {
  readonly name: string;
  readonly weight: number;
  prepare(pod: PodInfo, snapshot: Snapshot, feasible: readonly number[]): ScoreRun | undefined;
}

export const SCORE_MAX = 100;

/** Raw scores → 0 to 100, the highest becoming 100; with `reverse` the lowest does. */
export function normalizeByMax(scores: Float64Array, reverse: boolean): void {
  let max = 0;
  for (const score of scores) max = Math.max(max, score);
  for (let i = 0; i < scores.length; i++) {
    const share = max === 0 ? 0 : ((scores[i] ?? 0) * SCORE_MAX) / max;
    scores[i] = reverse ? SCORE_MAX - share : share;
  }
}
