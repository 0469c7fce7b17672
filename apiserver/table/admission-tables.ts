import type { MutatingWebhookConfiguration } from "#proto/admissionregistration/v1";
import { age } from "./duration.ts";
import type { KindTable } from "./table.ts";

const webhooks: KindTable = {
  columns: ["Name", "Webhooks:integer", "Age"],
  row: (object, nowMs) => {
    const { metadata, webhooks: all = [] } = object as MutatingWebhookConfiguration;
    return { cells: [metadata.name, all.length, age(metadata.creationTimestamp, nowMs)] };
  },
};

export const ADMISSION_TABLES: Readonly<Record<string, KindTable>> = {
  MutatingWebhookConfiguration: webhooks,
  ValidatingWebhookConfiguration: webhooks,
};
