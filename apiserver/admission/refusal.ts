import { StatusError } from "#lib/status-error";
import { qualified } from "../chain/failures.ts";
import type { AdmissionRequest } from "../chain/steps.ts";

/** Forbidden, in Kubernetes' words: `pods "x" is forbidden: …`. */
export function refused({ name = "", resource }: AdmissionRequest, why: string): StatusError {
  return new StatusError("Forbidden", `${qualified(resource)} "${name}" is forbidden: ${why}`, {
    details: { name, group: resource.group, kind: resource.plural },
  });
}
