import type { JsonObject } from "#lib/json";
import { runsForEver, validateCounts } from "../apps/workloads.ts";
import { type Causes, invalid, required } from "../causes.ts";
import { type KindRules, specOf } from "../kind-rules.ts";
import { validateLabels } from "../metadata.ts";
import { completePodTemplate, templateLabels, validatePodTemplate } from "./pod-template.ts";

export const replicationControllerRules: KindRules = {
  nameRule: "subdomain",
  firstStatus: () => ({ replicas: 0 }),
  complete: completeController,
  validate: (object) => [
    ...validateCounts(object, ["replicas", "minReadySeconds"]),
    ...validateSpec(specOf(object)),
  ],
};

/** Selector and labels that are not given are the template's labels. */
function completeController(object: JsonObject): JsonObject {
  const spec = specOf(object);
  const template = spec["template"] as JsonObject | undefined;
  if (template === undefined) return object;
  const labels = templateLabels(template);
  const metadata = object["metadata"] as JsonObject;
  const isBare = isEmpty(metadata["labels"]) && !isEmpty(labels);
  return {
    ...object,
    metadata: isBare ? { ...metadata, labels } : metadata,
    spec: {
      ...spec,
      ...(isEmpty(spec["selector"]) && !isEmpty(labels) ? { selector: labels } : {}),
      template: completePodTemplate(template),
    },
  };
}

function isEmpty(map: unknown): boolean {
  return Object.keys(map ?? {}).length === 0;
}

function validateSpec(spec: JsonObject): Causes {
  const selector = (spec["selector"] ?? {}) as Readonly<Record<string, string>>;
  const template = spec["template"] as JsonObject | undefined;
  const own = [
    ...(isEmpty(selector) ? [required("spec.selector")] : []),
    ...validateLabels(selector, "spec.selector"),
  ];
  if (template === undefined) return [...own, required("spec.template")];
  const labels = templateLabels(template);
  const isFit = Object.entries(selector).every(([key, value]) => labels[key] === value);
  return [
    ...own,
    ...(isFit
      ? []
      : [
          invalid(
            "spec.template.metadata.labels",
            labels,
            "`selector` does not match template `labels`",
          ),
        ]),
    ...runsForEver(template),
    ...validatePodTemplate(template, "spec.template"),
  ];
}

export const podTemplateRules: KindRules = {
  nameRule: "subdomain",
  complete: (object) => ({
    ...object,
    template: completePodTemplate((object["template"] ?? {}) as JsonObject),
  }),
  validate: (object) => validatePodTemplate((object["template"] ?? {}) as JsonObject, "template"),
};
