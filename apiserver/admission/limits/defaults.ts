/** What a namespace's LimitRanges give to containers that say nothing. Pure. */
import type { JsonObject } from "#lib/json";
import type { Container, LimitRange, Pod } from "#proto/core/v1";

type Texts = Readonly<Record<string, string>>;

/** Where it is told what was set. */
const ANNOTATION = "kubernetes.io/limit-ranger";

/** Undefined when nothing is set. */
export function withDefaults(pod: Pod, ranges: readonly LimitRange[]): JsonObject | undefined {
  let current = pod;
  for (const range of ranges) current = withDefaultsOf(current, range);
  return current === pod ? undefined : (current as unknown as JsonObject);
}

function withDefaultsOf(pod: Pod, range: LimitRange): Pod {
  const items = range.spec.limits.filter(({ type }) => type === "Container");
  const limits: Texts = Object.assign({}, ...items.map((item) => item.default ?? {}));
  const requests: Texts = Object.assign({}, ...items.map((item) => item.defaultRequest ?? {}));
  const told: string[] = [];
  const complete = (what: string) => (container: Container) => {
    const missing = {
      limits: lacking(container, "limits", limits),
      requests: lacking(container, "requests", requests),
    };
    for (const kind of ["requests", "limits"] as const) {
      const names = Object.keys(missing[kind]).toSorted().join(", ");
      if (names !== "") told.push(`${names} ${kind.slice(0, -1)} for ${what} ${container.name}`);
    }
    return withResources(container, missing);
  };
  const containers = pod.spec.containers.map(complete("container"));
  const initContainers = pod.spec.initContainers?.map(complete("init container"));
  if (told.length === 0) return pod;
  const annotations = {
    ...pod.metadata.annotations,
    [ANNOTATION]: `LimitRanger plugin set: ${told.join("; ")}`,
  };
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations },
    spec: { ...pod.spec, containers, ...(initContainers === undefined ? {} : { initContainers }) },
  };
}

function lacking({ resources }: Container, kind: "limits" | "requests", defaults: Texts): Texts {
  const own = resources[kind] ?? {};
  return Object.fromEntries(Object.entries(defaults).filter(([name]) => own[name] === undefined));
}

function withResources(
  container: Container,
  more: { readonly limits: Texts; readonly requests: Texts },
): Container {
  const resources = { ...container.resources };
  for (const kind of ["limits", "requests"] as const) {
    if (Object.keys(more[kind]).length > 0) resources[kind] = { ...resources[kind], ...more[kind] };
  }
  return { ...container, resources };
}
