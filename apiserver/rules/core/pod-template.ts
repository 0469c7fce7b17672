/** Pod templates, as every workload has one. */
import type { JsonObject } from "#lib/json";
import type { Causes } from "../causes.ts";
import { validateLabels } from "../metadata.ts";
import { completeVolumes } from "./pod-defaults.ts";
import { validatePodSpec } from "./pod-spec.ts";

interface Template {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: JsonObject;
}

/**
 * Only what a pod and a template have in common: requests out of limits, host ports and the default account are for the
 * pod itself to have, so that a template stays as it was written (Kubernetes, SetDefaults_Pod).
 */
export function completePodTemplate(template: JsonObject): JsonObject {
  const spec = (template["spec"] ?? {}) as JsonObject;
  const account = spec["serviceAccountName"] || spec["serviceAccount"];
  const named = account ? { serviceAccountName: account, serviceAccount: account } : {};
  return { ...template, spec: { ...spec, ...completeVolumes(spec), ...named } };
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
