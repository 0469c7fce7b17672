/** Pod templates, as every workload has one. */
import type { JsonObject } from "#lib/json";
import type { Causes } from "../causes.ts";
import { validateLabels } from "../metadata.ts";
import { completePodSpec } from "./pod-defaults.ts";
import { validatePodSpec } from "./pod-spec.ts";

interface Template {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: JsonObject;
}

/** As a pod's defaults, but for the account: a template that names none leaves it to the pod. */
export function completePodTemplate(template: JsonObject): JsonObject {
  const spec = (template["spec"] ?? {}) as JsonObject;
  const { serviceAccount, serviceAccountName, ...completed } = completePodSpec(spec);
  if (spec["serviceAccountName"] === undefined && spec["serviceAccount"] === undefined)
    return { ...template, spec: completed };
  const account = {
    serviceAccount: serviceAccount ?? "",
    serviceAccountName: serviceAccountName ?? "",
  };
  return { ...template, spec: { ...completed, ...account } };
}

/** `path` is that of the template, as `spec.template`. */
export function validatePodTemplate(template: JsonObject, path: string): Causes {
  const { metadata, spec = {} } = template as Template;
  return [
    ...validateLabels(metadata?.labels ?? {}, `${path}.labels`),
    ...validatePodSpec(spec, `${path}.spec`),
  ];
}

export function templateLabels(template: JsonObject | undefined): Readonly<Record<string, string>> {
  return (template as Template | undefined)?.metadata?.labels ?? {};
}
