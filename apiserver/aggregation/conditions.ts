/** The one condition of an APIService, with Kubernetes' reasons. */
import type { APIServiceCondition } from "#proto/apiregistration/v1";

export type Availability = Required<
  Pick<APIServiceCondition, "message" | "reason" | "status" | "type">
>;

export const LOCAL = available("Local", "Local APIServices are always available");
export const PASSED = available("Passed", "all checks passed");

export function unavailable(reason: string, message: string): Availability {
  return { type: "Available", status: "False", reason, message };
}

function available(reason: string, message: string): Availability {
  return { type: "Available", status: "True", reason, message };
}
