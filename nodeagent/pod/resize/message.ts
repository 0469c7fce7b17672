/** What a resize's events say: the same as those of Kubernetes, which tools read. Pure. */
import { isSidecar } from "#lib/api/pod";
import type { Container, Pod, ResourceRequirements } from "#proto/core/v1";

type Texts = Readonly<Record<string, string>>;

/** `what` happened to the resources of `pod`. */
export function resizeMessage(what: string, pod: Pod, generation: number, error = ""): string {
  const { containers, initContainers = [], resources } = pod.spec;
  const sidecars = initContainers.filter(isSidecar);
  const summary = {
    ...(resources === undefined ? {} : { resources: sorted(resources) }),
    ...(sidecars.length === 0 ? {} : { initContainers: sidecars.map(summaryOf) }),
    containers: containers.map(summaryOf),
    generation,
    ...(error === "" ? {} : { error }),
  };
  return `${what}: ${JSON.stringify(summary)}`;
}

function summaryOf({ name, resources }: Container): object {
  const own = sorted(resources);
  return { name, ...(Object.keys(own).length === 0 ? {} : { resources: own }) };
}

function sorted({ limits, requests }: ResourceRequirements): object {
  const byName = (list: Texts): Texts =>
    Object.fromEntries(Object.entries(list).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return {
    ...(limits === undefined ? {} : { limits: byName(limits) }),
    ...(requests === undefined ? {} : { requests: byName(requests) }),
  };
}
