/** What tests ask a cluster again and again. */
import type { TestCluster } from "./cluster.ts";

/** A value by JSONPath of one or more objects: `jsonpath(cluster, "pods -l app=web", "{.items[*].metadata.name}")`. */
export async function jsonpath(
  cluster: TestCluster,
  what: string,
  template: string,
): Promise<string> {
  return (await cluster.mustNaru(["get", ...what.split(" "), "-o", `jsonpath=${template}`])).trim();
}

/** The same, as words. */
export async function words(
  cluster: TestCluster,
  what: string,
  template: string,
): Promise<string[]> {
  const text = await jsonpath(cluster, what, template);
  return text === "" ? [] : text.split(/\s+/);
}

export function podNames(cluster: TestCluster, label: string): Promise<string[]> {
  return words(cluster, `pods -l ${label}`, "{.items[*].metadata.name}");
}

export function clusterIp(cluster: TestCluster, service: string): Promise<string> {
  return jsonpath(cluster, `service ${service}`, "{.spec.clusterIP}");
}

export function nodeIps(cluster: TestCluster): Promise<string[]> {
  return words(cluster, "nodes", "{.items[*].status.addresses[?(@.type=='InternalIP')].address}");
}
