/** The state of priority and fairness as text, for people who look for what holds requests up. As kube-apiserver's. */
import type { LevelState } from "./dispatcher.ts";

const ROOT = "/debug/api_priority_and_fairness/";

type Row = readonly (boolean | number | string)[];

/** Undefined for other paths. */
export function dumpDocuments(
  path: string,
  levels: readonly LevelState[],
): { readonly type: string; readonly body: Buffer } | undefined {
  if (!path.startsWith(ROOT)) return undefined;
  const rows = rowsOf(path.slice(ROOT.length), levels);
  if (rows === undefined) return undefined;
  return { type: "text/plain; charset=utf-8", body: Buffer.from(inColumns(rows)) };
}

function rowsOf(name: string, levels: readonly LevelState[]): readonly Row[] | undefined {
  switch (name) {
    case "dump_priority_levels":
      return [LEVEL_HEAD, ...levels.map(levelRow)];
    case "dump_queues":
      return [QUEUE_HEAD, ...levels.flatMap(queueRows)];
    case "dump_requests":
      return [REQUEST_HEAD, ...levels.flatMap(requestRows)];
    default:
      return undefined;
  }
}

const LEVEL_HEAD: Row = [
  "PriorityLevelName",
  "ActiveQueues",
  "SeatsInUse",
  "CurrentLimit",
  "WaitingRequests",
  "ExecutingRequests",
  "DispatchedRequests",
  "RejectedRequests",
  "TimedoutRequests",
  "CancelledRequests",
];

function levelRow({ configuration, counts, seats }: LevelState): Row {
  return [
    configuration.name,
    seats.queueLengths.size,
    seats.seatsInUse,
    configuration.isExempt ? "<none>" : seats.limit,
    seats.waiting,
    seats.executing,
    counts.dispatched,
    counts.refused,
    counts.timedOut,
    counts.cancelled,
  ];
}

const QUEUE_HEAD: Row = ["PriorityLevelName", "Index", "PendingRequests"];

function queueRows({ configuration, seats }: LevelState): readonly Row[] {
  return [...seats.queueLengths].map(([queue, length]) => [configuration.name, queue, length]);
}

const REQUEST_HEAD: Row = [
  "PriorityLevelName",
  "FlowSchemaName",
  "QueueIndex",
  "Flow",
  "Seats",
  "UserName",
  "Verb",
  "APIPath",
];

/** Those that wait. */
function requestRows({ configuration, seats }: LevelState): readonly Row[] {
  return seats
    .waitingTickets()
    .map(({ facts, flow, queue, schema, seats: width }) => [
      configuration.name,
      schema.metadata.name,
      queue,
      flow,
      width,
      facts.user.name,
      facts.verb,
      facts.path,
    ]);
}

function inColumns(rows: readonly Row[]): string {
  const texts = rows.map((row) => row.map(String));
  const widths = (texts[0] ?? []).map((_, at) =>
    Math.max(...texts.map((row) => (row[at] ?? "").length)),
  );
  const lines = texts.map((row) =>
    row
      .map((cell, at) => (at === row.length - 1 ? cell : `${cell},`.padEnd((widths[at] ?? 0) + 2)))
      .join(""),
  );
  return `${lines.join("\n")}\n`;
}
