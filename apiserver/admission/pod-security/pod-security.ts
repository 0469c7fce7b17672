/** Pod security admission: keeps a namespace's pods to the level that its labels ask for. */
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { Namespace, Pod, PodSpec, PodTemplateSpec } from "#proto/core/v1";
import { namespaces, pods } from "#resources";
import { invalid } from "../../chain/failures.ts";
import type { AdmissionRequest, Annotate, Reader } from "../../chain/steps.ts";
import type { Validator } from "../plugin.ts";
import { detailsOf, violations } from "./checks.ts";
import { existingPodWarnings } from "./existing-pods.ts";
import {
  isSame,
  type LevelVersion,
  labelCauses,
  levelText,
  type Policy,
  PREFIX,
  policyOf,
  strictness,
} from "./policy.ts";
import { type Subject, subjectOf } from "./subject.ts";

/** Who is never asked. */
export interface Exemptions {
  readonly namespaces?: readonly string[];
  readonly users?: readonly string[];
  readonly runtimeClasses?: readonly string[];
}

/** The sub-resources of a pod that change what it runs. */
const POD_ROUTES = new Set([undefined, "ephemeralcontainers", "resize"]);

/** What makes pods, by `resource.group`, and where it keeps their template. */
const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  "cronjobs.batch": ["spec", "jobTemplate", "spec", "template"],
  "daemonsets.apps": ["spec", "template"],
  "deployments.apps": ["spec", "template"],
  "jobs.batch": ["spec", "template"],
  "podtemplates.": ["template"],
  "replicasets.apps": ["spec", "template"],
  "replicationcontrollers.": ["spec", "template"],
  "statefulsets.apps": ["spec", "template"],
};

export function podSecurity(exemptions: Exemptions): Validator {
  const exemption = exemptionBy(exemptions);
  return (request, reader) => {
    const { object, operation, resource } = request;
    if (object === undefined || (operation !== "CREATE" && operation !== "UPDATE"))
      return undefined;
    if (resource === namespaces) return checkNamespace(request, object, { exemptions, reader });
    const subject = resource === pods ? podOf(request, object) : templateOf(request, object);
    if (subject === undefined) return undefined;
    const exempt = exemption(request, subject);
    if (exempt === undefined) return checkSubject(request, subject, reader);
    request.annotate?.(`${PREFIX}exempt`, exempt);
    return undefined;
  };
}

/** By what the request is exempt; the word is for the audit log. */
function exemptionBy({ namespaces: spaces = [], runtimeClasses = [], users = [] }: Exemptions) {
  return (
    { namespace = "", user }: AdmissionRequest,
    { spec }: Subject,
  ): "namespace" | "runtimeClass" | "user" | undefined => {
    if (spaces.includes(namespace)) return "namespace";
    if (users.includes(user.name)) return "user";
    return runtimeClasses.includes(spec.runtimeClassName ?? "") ? "runtimeClass" : undefined;
  };
}

function podOf(request: AdmissionRequest, object: JsonObject): Subject | undefined {
  if (!POD_ROUTES.has(request.subresource)) return undefined;
  const pod = object as unknown as Pod;
  const old = request.oldObject as unknown as Pod | undefined;
  if (old !== undefined && sameImages(pod, old)) return undefined;
  return subjectOf(pod.metadata.annotations, pod.spec);
}

/** Of a pod that is there, only what it runs can change, and by that alone it is judged anew. */
function sameImages(pod: Pod, old: Pod): boolean {
  const images = ({ spec }: Pod) =>
    [spec.containers, spec.initContainers, spec.ephemeralContainers].map((list) =>
      (list ?? []).map(({ image, name }) => [name, image]),
    );
  return JSON.stringify(images(pod)) === JSON.stringify(images(old));
}

function templateOf(request: AdmissionRequest, object: JsonObject): Subject | undefined {
  const { resource, subresource } = request;
  const path = TEMPLATES[`${resource.plural}.${resource.group}`];
  if (path === undefined || subresource !== undefined) return undefined;
  const template = path.reduce<unknown>((at, field) => (at as JsonObject)?.[field], object);
  const { metadata, spec } = (template ?? {}) as Partial<PodTemplateSpec>;
  return spec === undefined ? undefined : subjectOf(metadata?.annotations, spec as PodSpec);
}

async function checkSubject(
  request: AdmissionRequest,
  subject: Subject,
  reader: Reader,
): Promise<void> {
  const { name = "", namespace = "", resource } = request;
  const found =
    reader.known(namespaces, undefined, namespace) ??
    (await reader.get(namespaces, undefined, namespace));
  const policy = policyOf((found?.object as Namespace | undefined)?.metadata.labels ?? {});
  if (request.annotate !== undefined) annotate(request.annotate, request, policy, subject);
  if (resource === pods) {
    const broken = violations(policy.enforce, subject);
    if (broken.length > 0) {
      const why = `violates PodSecurity "${levelText(policy.enforce)}": ${detailsOf(broken)}`;
      throw new StatusError("Forbidden", `pods "${name}" is forbidden: ${why}`, {
        details: { name, kind: "pods" },
      });
    }
    if (isSame(policy.enforce, policy.warn)) return;
  }
  const told = violations(policy.warn, subject);
  if (told.length > 0)
    request.warn?.(`would violate PodSecurity "${levelText(policy.warn)}": ${detailsOf(told)}`);
}

/** What enforces, for pods; and what breaks the level that is only for the audit log. */
function annotate(
  tell: Annotate,
  { resource }: AdmissionRequest,
  { audit, enforce }: Policy,
  subject: Subject,
): void {
  if (resource === pods) tell(`${PREFIX}enforce-policy`, levelText(enforce));
  const broken = violations(audit, subject);
  if (broken.length === 0) return;
  const text = `would violate PodSecurity "${levelText(audit)}": ${detailsOf(broken)}`;
  tell(`${PREFIX}audit-violations`, text);
}

/** The labels must say something; and whoever makes a level stricter hears which pods break it now. */
function checkNamespace(
  request: AdmissionRequest,
  object: JsonObject,
  access: { readonly exemptions: Exemptions; readonly reader: Reader },
): Promise<void> | undefined {
  if (request.subresource !== undefined) return undefined;
  const { exemptions, reader } = access;
  const { name = "", oldObject, resource } = request;
  const labels = labelsOf(object);
  const causes = labelCauses(labels);
  const before = oldObject === undefined ? undefined : labelsOf(oldObject);
  const isNew =
    before === undefined || JSON.stringify(labelCauses(before)) !== JSON.stringify(causes);
  if (causes.length > 0 && isNew) throw invalid(resource, name, causes);
  if (before === undefined || (exemptions.namespaces ?? []).includes(name)) return undefined;
  const { enforce } = policyOf(labels);
  if (!isStricter(enforce, policyOf(before))) return undefined;
  return warnOfPods(request, enforce, { exemptions, reader });
}

function isStricter(now: LevelVersion, { enforce: before }: Policy): boolean {
  if (now.level === "privileged" || isSame(now, before)) return false;
  return now.version !== before.version || strictness(now) > strictness(before);
}

async function warnOfPods(
  request: AdmissionRequest,
  enforce: LevelVersion,
  { exemptions, reader }: { readonly exemptions: Exemptions; readonly reader: Reader },
): Promise<void> {
  const { name = "", warn } = request;
  if (warn === undefined) return;
  const { items } = await reader.list({ resource: pods, namespace: name });
  const exempt = new Set(exemptions.runtimeClasses ?? []);
  const all = items
    .map(({ object }) => object as Pod)
    .filter(({ spec }) => !exempt.has(spec.runtimeClassName ?? ""));
  for (const text of existingPodWarnings(name, enforce, all)) warn(text);
}

function labelsOf(object: JsonObject): Readonly<Record<string, string>> {
  return (object as unknown as Namespace).metadata.labels ?? {};
}
