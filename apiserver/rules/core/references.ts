/** What containers and volumes may ask about their own pod. */
import { labelKeyProblem } from "#lib/api/names";
import type { ObjectFieldSelector, ResourceFieldSelector } from "#proto/core/v1";
import { type Causes, invalid, unsupported } from "../causes.ts";
import { nonEmpty } from "../checks.ts";

const RESOURCE = /^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-[A-Za-z0-9]+)$/;
const RESOURCES = ["cpu", "ephemeral-storage", "memory"].flatMap((each) => [
  `limits.${each}`,
  `requests.${each}`,
]);
/** `metadata.labels['app']`. */
const SUBSCRIPT = /^(metadata\.(?:annotations|labels))\['(.*)'\]$/;

export function validateFieldRef(
  { apiVersion, fieldPath = "" }: ObjectFieldSelector,
  path: string,
  supported: readonly string[],
): Causes {
  const isOther = apiVersion !== undefined && apiVersion !== "v1";
  const version = isOther
    ? [invalid(`${path}.apiVersion`, apiVersion, "must be v1, the version of the pod itself")]
    : [];
  const [, map, key = ""] = SUBSCRIPT.exec(fieldPath) ?? [];
  if (map !== undefined) {
    const name = map === "metadata.annotations" ? key.toLowerCase() : key;
    const problem = labelKeyProblem(name);
    return problem === undefined ? version : [...version, invalid(path, key, problem)];
  }
  const missing = nonEmpty(`${path}.fieldPath`, fieldPath);
  if (missing.length > 0 || supported.includes(fieldPath)) return [...version, ...missing];
  return [...version, unsupported(`${path}.fieldPath`, fieldPath, supported)];
}

export function validateResourceRef(
  { resource = "" }: ResourceFieldSelector,
  path: string,
): Causes {
  const missing = nonEmpty(`${path}.resource`, resource);
  if (missing.length > 0 || RESOURCE.test(resource)) return missing;
  return [unsupported(`${path}.resource`, resource, RESOURCES)];
}
