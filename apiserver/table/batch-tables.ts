import { isConditionTrue } from "#lib/api/condition";
import type { CronJob, Job } from "#proto/batch/v1";
import { age, humanDuration } from "./duration.ts";
import type { KindTable } from "./table.ts";
import { TEMPLATE_COLUMNS, templateCells } from "./workload-tables.ts";

const job: KindTable = {
  columns: ["Name", "Status", "Completions", "Duration", "Age", ...TEMPLATE_COLUMNS],
  row: (object, nowMs) => {
    const { metadata, spec } = object as Job;
    return {
      cells: [
        metadata.name,
        stateOf(object as Job),
        completionsOf(object as Job),
        durationOf(object as Job, nowMs),
        age(metadata.creationTimestamp, nowMs),
        ...templateCells(spec?.template, spec?.selector),
      ],
    };
  },
};

const cronJob: KindTable = {
  columns: [
    "Name",
    "Schedule",
    "Timezone",
    "Suspend:boolean",
    "Active:integer",
    "Last Schedule",
    "Age",
    ...TEMPLATE_COLUMNS,
  ],
  row: (object, nowMs) => {
    const { metadata, spec, status } = object as CronJob;
    const last = status?.lastScheduleTime;
    const { selector, template } = spec?.jobTemplate?.spec ?? {};
    return {
      cells: [
        metadata.name,
        spec?.schedule ?? "",
        spec?.timeZone ?? "<none>",
        spec?.suspend === true ? "True" : "False",
        status?.active?.length ?? 0,
        last === undefined ? "<none>" : age(last, nowMs),
        age(metadata.creationTimestamp, nowMs),
        ...templateCells(template, selector),
      ],
    };
  },
};

export const BATCH_TABLES: Readonly<Record<string, KindTable>> = { CronJob: cronJob, Job: job };

/** The first that holds. */
const STATES = [
  "Complete",
  "Failed",
  "Terminating",
  "Suspended",
  "FailureTarget",
  "SuccessCriteriaMet",
];

function stateOf({ metadata, status }: Job): string {
  const holds = (state: string): boolean =>
    state === "Terminating"
      ? metadata.deletionTimestamp !== undefined
      : isConditionTrue(status?.conditions, state);
  return STATES.find(holds) ?? "Running";
}

function completionsOf({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec?.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const parallelism = spec?.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

/** From its start to its end, or until now. */
function durationOf({ status }: Job, nowMs: number): string {
  const { completionTime, conditions = [], startTime } = status ?? {};
  if (startTime === undefined) return "";
  const failed = conditions.find((each) => each.type === "Failed" && each.status === "True");
  const end = completionTime ?? failed?.lastTransitionTime;
  return humanDuration((end === undefined ? nowMs : Date.parse(end)) - Date.parse(startTime));
}
