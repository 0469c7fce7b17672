/** The one condition of an APIService, with Kubernetes' reasons. */
import type { APIServiceCondition } from "#proto/apiregistration/v1";

type Availability = Required<Pick<APIServiceCondition, "message" | "reason" | "status" | "type">>;

export const LOCAL: Availability = {
  type: "Available",
  status: "True",
  reason: "Local",
  message: "Local APIServices are always available",
};
