/** What the audit log says of webhooks: https://kubernetes.io/docs/reference/labels-annotations-taints/audit-annotations/ */
import type { JsonValue } from "#lib/json";
import type { Annotate } from "../../chain/steps.ts";
import type { Hook } from "./hook.ts";

/** Which of the webhooks of a request it is: their order, and whether they are asked a second time. */
export interface Turn {
  readonly annotate: Annotate | undefined;
  readonly round: 0 | 1;
  readonly index: number;
}

export function annotateMutation(
  { annotate, index, round }: Turn,
  { configuration, name: webhook }: Hook,
  mutated: boolean,
): void {
  if (annotate === undefined) return;
  const value = JSON.stringify({ configuration, webhook, mutated });
  annotate(`mutation.webhook.admission.k8s.io/round_${round}_index_${index}`, value);
}

/** Holds parts of the object, so the level must allow for those. */
export function annotatePatch(
  { annotate, index, round }: Turn,
  { configuration, name: webhook }: Hook,
  patch: readonly unknown[],
): void {
  if (annotate === undefined) return;
  const value = { configuration, webhook, patch: patch as JsonValue, patchType: "JSONPatch" };
  const key = `patch.webhook.admission.k8s.io/round_${round}_index_${index}`;
  annotate(key, JSON.stringify(value), "Request");
}

/** It could not be asked, and the request went on. */
export function annotateFailedOpen(
  { annotate, index, round }: Turn,
  { name }: Hook,
  phase: "mutation" | "validating",
): void {
  annotate?.(`failed-open.${phase}.webhook.admission.k8s.io/round_${round}_index_${index}`, name);
}
