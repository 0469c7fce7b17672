import type { PodFailurePolicyRule } from "#proto/batch/v1";
import type { ContainerStatus, Pod } from "#proto/core/v1";

/** What a failed pod means. */
export type Judgement =
  | { readonly action: "Count" | "FailIndex" | "Ignore" }
  | { readonly action: "FailJob"; readonly message: string };

/** By the first rule that holds; a pod that none is about counts. */
export function judge(pod: Pod, rules: readonly PodFailurePolicyRule[] | undefined): Judgement {
  for (const [at, rule] of (rules ?? []).entries()) {
    const why = holds(pod, rule);
    if (why === undefined) continue;
    if (rule.action !== "FailJob") return { action: rule.action };
    return { action: "FailJob", message: `${why} matching FailJob rule at index ${at}` };
  }
  return { action: "Count" };
}

function holds(
  pod: Pod,
  { onExitCodes, onPodConditions }: PodFailurePolicyRule,
): string | undefined {
  const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
  if (onExitCodes !== undefined) {
    const found = failedContainer(pod, onExitCodes);
    const code = found?.state?.terminated?.exitCode;
    return found && `Container ${found.name} for pod ${name} failed with exit code ${code}`;
  }
  const condition = (pod.status.conditions ?? []).find((each) =>
    (onPodConditions ?? []).some(
      ({ status, type }) => each.type === type && each.status === status,
    ),
  );
  return condition && `Pod ${name} has condition ${condition.type}`;
}

function failedContainer(
  { status }: Pod,
  { containerName, operator, values }: NonNullable<PodFailurePolicyRule["onExitCodes"]>,
): ContainerStatus | undefined {
  const all = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])];
  return all.find(({ name, state }) => {
    const code = state?.terminated?.exitCode ?? 0;
    const isMeant = containerName === undefined || containerName === name;
    return isMeant && code !== 0 && values.includes(code) === (operator === "In");
  });
}
