/** Whether a container has to be started anew when one of its resources changes. */
import type { Container } from "#proto/core/v1";
import { type Causes, duplicate, invalid } from "../causes.ts";
import { requiredOneOf } from "../checks.ts";

const RESOURCES = ["cpu", "memory"];
const POLICIES = ["NotRequired", "RestartContainer"];

export interface ResizePolicyContext {
  /** Of the container's list, as `spec.containers[0].resizePolicy`. */
  readonly path: string;
  /** It runs to its end: there is nothing to resize. */
  readonly runsToEnd: boolean;
  readonly podRestartPolicy: string | undefined;
}

export function validateResizePolicy(
  { resizePolicy = [] }: Container,
  { path, podRestartPolicy, runsToEnd }: ResizePolicyContext,
): Causes {
  if (runsToEnd && resizePolicy.length > 0)
    return [invalid(path, resizePolicy, "must not be set for init containers")];
  const names = resizePolicy.map(({ resourceName }) => resourceName);
  return resizePolicy.flatMap(({ resourceName, restartPolicy }, at) => [
    ...(names.indexOf(resourceName) < at ? [duplicate(`${path}[${at}]`, resourceName)] : []),
    ...requiredOneOf(path, resourceName, RESOURCES),
    ...requiredOneOf(path, restartPolicy, POLICIES),
    ...(podRestartPolicy === "Never" && restartPolicy === "RestartContainer"
      ? [invalid(path, restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'")]
      : []),
  ]);
}
