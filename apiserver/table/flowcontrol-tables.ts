import { findCondition } from "#lib/api/condition";
import type { FlowSchema, PriorityLevelConfiguration } from "#proto/flowcontrol/v1";
import { age } from "./duration.ts";
import type { KindTable } from "./table.ts";

const NONE = "<none>";

const flowSchema: KindTable = {
  columns: [
    "Name",
    "PriorityLevel",
    "MatchingPrecedence",
    "DistinguisherMethod",
    "Age",
    "MissingPL",
  ],
  row: (object, nowMs) => {
    const { metadata, spec, status } = object as FlowSchema;
    const conditions = status?.conditions as
      | readonly { type: string; status: string }[]
      | undefined;
    return {
      cells: [
        metadata.name,
        spec?.priorityLevelConfiguration?.name ?? "",
        String(spec?.matchingPrecedence ?? 0),
        spec?.distinguisherMethod?.type ?? NONE,
        age(metadata.creationTimestamp, nowMs),
        findCondition(conditions, "Dangling")?.status ?? "?",
      ],
    };
  },
};

const priorityLevel: KindTable = {
  columns: [
    "Name",
    "Type",
    "NominalConcurrencyShares",
    "Queues",
    "HandSize",
    "QueueLengthLimit",
    "Age",
  ],
  row: (object, nowMs) => {
    const { metadata, spec } = object as PriorityLevelConfiguration;
    const { limitResponse, nominalConcurrencyShares: shares } = spec?.limited ?? {};
    const { handSize, queueLengthLimit, queues } = limitResponse?.queuing ?? {};
    const numbers = [shares, queues, handSize, queueLengthLimit];
    return {
      cells: [
        metadata.name,
        spec?.type ?? "",
        ...numbers.map((number) => (number === undefined ? NONE : String(number))),
        age(metadata.creationTimestamp, nowMs),
      ],
    };
  },
};

export const FLOWCONTROL_TABLES: Readonly<Record<string, KindTable>> = {
  FlowSchema: flowSchema,
  PriorityLevelConfiguration: priorityLevel,
};
