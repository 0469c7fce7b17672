import { isDeepStrictEqual } from "node:util";
import type { ReplicaSet } from "#proto/apps/v1";
import type { PodTemplateSpec } from "#proto/core/v1";

export const TEMPLATE_HASH = "pod-template-hash";

/** Letters of generated names, so that a hash can end a name. */
const LETTERS = "bcdfghjklmnpqrstvwxz2456789";
const FNV_OFFSET = 0x811c_9dc5;
const FNV_PRIME = 0x0100_0193;

/** Tells a Deployment's templates apart. `collisions` makes another hash when two templates share one. */
export function templateHash(template: PodTemplateSpec, collisions: number): string {
  let hash = FNV_OFFSET;
  const text = `${JSON.stringify(template)}${collisions === 0 ? "" : collisions}`;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  }
  return [...String(hash >>> 0)].map((digit) => LETTERS[Number(digit)]).join("");
}

/** The template as the Deployment has it: without the label that we add. */
export function plainTemplate(set: ReplicaSet): PodTemplateSpec {
  const { template } = set.spec;
  const { [TEMPLATE_HASH]: _, ...labels } = template.metadata.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } };
}

export function isSameTemplate(set: ReplicaSet, template: PodTemplateSpec): boolean {
  const { [TEMPLATE_HASH]: _, ...labels } = template.metadata.labels ?? {};
  const wanted = { ...template, metadata: { ...template.metadata, labels } };
  return isDeepStrictEqual(plainTemplate(set), wanted);
}
