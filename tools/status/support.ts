import { apiVersionOf, type Resource } from "#resources";
import { KUBERNETES_RESOURCES } from "./kubernetes-resources.ts";

export interface KubernetesResource {
  readonly apiVersion: string;
  readonly plural: string;
  readonly kind: string;
  readonly subresources: readonly string[];
  readonly verbs: readonly string[];
}

/** How far a resource is served; `missing` says what is not: `/proxy`, `deletecollection`. */
export interface Support extends KubernetesResource {
  readonly support: "no" | "partial" | "yes";
  readonly missing: readonly string[];
}

const ALL_VERBS = "create,delete,deletecollection,get,list,patch,update,watch";

export function kubernetesResources(): KubernetesResource[] {
  const lines = KUBERNETES_RESOURCES.trim().split("\n");
  return lines.map((line) => {
    const [apiVersion = "", plural = "", kind = "", subresources = "-", verbs = ALL_VERBS] =
      line.split(" ");
    return {
      apiVersion,
      plural,
      kind,
      subresources: subresources === "-" ? [] : subresources.split(","),
      verbs: verbs.split(","),
    };
  });
}

/** What Kubernetes serves, held against what is served here. */
export function supportOf(wanted: KubernetesResource, served: readonly Resource[]): Support {
  const found = served.find(
    (each) => apiVersionOf(each) === wanted.apiVersion && each.plural === wanted.plural,
  );
  if (found === undefined) return { ...wanted, support: "no", missing: [] };
  const verbs: readonly string[] = found.verbs;
  const subresources = found.subresources.map(({ name }) => name);
  const missing = [
    ...wanted.verbs.filter((verb) => !verbs.includes(verb)),
    ...wanted.subresources.filter((name) => !subresources.includes(name)).map((name) => `/${name}`),
  ];
  return { ...wanted, support: missing.length === 0 ? "yes" : "partial", missing };
}
