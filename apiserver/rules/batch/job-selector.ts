/** A Job's selector and its pods' labels are the server's to make, so that no two Jobs ever count the same pod. */
import { isDeepStrictEqual } from "node:util";
import { labelSelectorMatcher } from "#lib/api/selector";
import type { JsonObject } from "#lib/json";
import type { LabelSelector } from "#proto/meta/v1";
import { type Causes, invalid, required } from "../causes.ts";
import { labelSelector } from "../checks.ts";
import { templateLabels } from "../core/pod-template.ts";
import { specOf } from "../kind-rules.ts";

const UID_LABEL = "batch.kubernetes.io/controller-uid";

/** What Kubernetes has called these labels before 1.27, and now; pods get all. */
function generatedLabels(name: string, uid: string): Readonly<Record<string, string>> {
  return {
    "controller-uid": uid,
    "job-name": name,
    [UID_LABEL]: uid,
    "batch.kubernetes.io/job-name": name,
  };
}

/** For a new Job that does not bring a selector of its own. What is given and differs is left for validation to refuse. */
export function withGeneratedSelector(job: JsonObject): JsonObject {
  const spec = specOf(job);
  if (spec["manualSelector"] === true) return job;
  const { name, uid } = identityOf(job);
  const template = (spec["template"] ?? {}) as JsonObject;
  const metadata = (template["metadata"] ?? {}) as JsonObject;
  const labels = { ...generatedLabels(name, uid), ...templateLabels(template) };
  const selector = (spec["selector"] ?? {}) as LabelSelector;
  const matchLabels = { [UID_LABEL]: uid, ...selector.matchLabels };
  return {
    ...job,
    spec: {
      ...spec,
      selector: { ...selector, matchLabels } as unknown as JsonObject,
      template: { ...template, metadata: { ...metadata, labels } },
    },
  };
}

export function validateSelector(job: JsonObject): Causes {
  const spec = specOf(job);
  const selector = spec["selector"] as LabelSelector | undefined;
  if (selector === undefined) return [required("spec.selector")];
  const labels = templateLabels(spec["template"] as JsonObject | undefined);
  const isFit = labelSelectorMatcher(selector)(labels);
  return [
    ...labelSelector(selector, "spec.selector"),
    ...(isFit
      ? []
      : [
          invalid(
            "spec.template.metadata.labels",
            labels,
            "`selector` does not match template `labels`",
          ),
        ]),
  ];
}

/** On creation only: later neither can change. */
export function validateGenerated(job: JsonObject): Causes {
  const spec = specOf(job);
  if (spec["manualSelector"] === true) return [];
  const { name, uid } = identityOf(job);
  const labels = templateLabels(spec["template"] as JsonObject | undefined);
  const wrong = Object.entries(generatedLabels(name, uid)).filter(
    ([key, value]) => labels[key] !== value,
  );
  const isGenerated = isDeepStrictEqual(spec["selector"], { matchLabels: { [UID_LABEL]: uid } });
  return [
    ...wrong.map(([key, value]) =>
      invalid("spec.template.metadata.labels", labels, `must be '${value}' for label ${key}`),
    ),
    ...(isGenerated
      ? []
      : [
          invalid(
            "spec.selector",
            spec["selector"],
            "`selector` not auto-generated; leave it out, or set spec.manualSelector",
          ),
        ]),
  ];
}

function identityOf(job: JsonObject): { readonly name: string; readonly uid: string } {
  const { name = "", uid = "" } = job["metadata"] as { readonly name?: string; uid?: string };
  return { name, uid };
}
