type Labels = Readonly<Record<string, string>>;

/** What agents know of their machine, and say with Kubernetes' own labels. */
const OWN = new Set([
  "beta.kubernetes.io/arch",
  "beta.kubernetes.io/instance-type",
  "beta.kubernetes.io/os",
  "failure-domain.beta.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "kubernetes.io/arch",
  "kubernetes.io/hostname",
  "kubernetes.io/os",
  "node.kubernetes.io/instance-type",
  "topology.kubernetes.io/region",
  "topology.kubernetes.io/zone",
]);
const OWN_PREFIXES = ["kubelet.kubernetes.io", "node.kubernetes.io"];

/** Labels among those that change which only the cluster's administrators may set on a node. */
export function forbiddenNodeLabels(now: Labels, before: Labels): readonly string[] {
  const changed = [...new Set([...Object.keys(now), ...Object.keys(before)])].filter(
    (key) => now[key] !== before[key],
  );
  return changed.filter((key) => !mayAgentSet(key)).toSorted();
}

/** Everything outside Kubernetes' own domains, and in them what an agent knows. KEP-279. */
function mayAgentSet(key: string): boolean {
  const slash = key.indexOf("/");
  if (slash === -1 || OWN.has(key)) return true;
  const prefix = key.slice(0, slash);
  if (OWN_PREFIXES.some((own) => isWithin(prefix, own))) return true;
  return !isWithin(prefix, "kubernetes.io") && !isWithin(prefix, "k8s.io");
}

function isWithin(prefix: string, domain: string): boolean {
  return prefix === domain || prefix.endsWith(`.${domain}`);
}
