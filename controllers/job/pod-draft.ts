import { controllerReference } from "#lib/api/owner";
import type { Draft } from "#proto";
import type { Job } from "#proto/batch/v1";
import type { Container, Pod, PodSpec } from "#proto/core/v1";
import { FAILURE_COUNT, IGNORED_FAILURE_COUNT, type Start } from "./indexes.ts";
import { COMPLETION_INDEX, TRACKING } from "./pod-fate.ts";

const INDEX_VARIABLE = "JOB_COMPLETION_INDEX";
/** What the server keeps of generateName. */
const NAME_BASE_LENGTH_MAX = 58;

/** A pod of the Job. With a start it knows its index, and how often its predecessors have failed. */
export function podDraft(job: Job, start: Start | undefined): Draft<Pod> {
  const { name, namespace = "" } = job.metadata;
  const { metadata, spec } = job.spec.template;
  const common = {
    ...metadata,
    namespace,
    finalizers: [...(metadata.finalizers ?? []), TRACKING],
    ownerReferences: [controllerReference(job)],
  };
  if (start === undefined) return { metadata: { ...common, generateName: `${name}-` }, spec };
  const { failures, index } = start;
  const suffix = `-${index}-`;
  const counts =
    job.spec.backoffLimitPerIndex === undefined
      ? {}
      : {
          [FAILURE_COUNT]: String(failures.counted),
          ...(failures.ignored === 0 ? {} : { [IGNORED_FAILURE_COUNT]: String(failures.ignored) }),
        };
  const mark = { [COMPLETION_INDEX]: String(index) };
  return {
    metadata: {
      ...common,
      generateName: `${name.slice(0, NAME_BASE_LENGTH_MAX - suffix.length)}${suffix}`,
      labels: { ...metadata.labels, ...mark },
      annotations: { ...metadata.annotations, ...mark, ...counts },
    },
    spec: { ...withIndexVariable(spec), hostname: `${name}-${index}` },
  };
}

function withIndexVariable(spec: PodSpec): PodSpec {
  const { initContainers } = spec;
  return {
    ...spec,
    containers: spec.containers.map(withVariable),
    ...(initContainers === undefined ? {} : { initContainers: initContainers.map(withVariable) }),
  };
}

function withVariable(container: Container): Container {
  const env = container.env ?? [];
  if (env.some(({ name }) => name === INDEX_VARIABLE)) return container;
  const fieldPath = `metadata.annotations['${COMPLETION_INDEX}']`;
  const variable = {
    name: INDEX_VARIABLE,
    valueFrom: { fieldRef: { apiVersion: "v1", fieldPath } },
  };
  return { ...container, env: [...env, variable] };
}
