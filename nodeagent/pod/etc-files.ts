/** The files below /etc that a pod's containers share. Pure. */
import type { HostAlias, Pod } from "#proto/core/v1";

export interface DnsSettings {
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** The node's own resolv.conf. */
  readonly nodeResolvConf: string;
}

export function hostsFile(pod: Pod, podIp: string, domain: string): string {
  const { hostAliases = [], subdomain } = pod.spec;
  const hostname = hostnameOf(pod);
  const full =
    subdomain === undefined || subdomain === ""
      ? hostname
      : `${hostname}.${subdomain}.${pod.metadata.namespace}.svc.${domain}\t${hostname}`;
  const lines = [
    "# Kubernetes-managed hosts file.",
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::\tip6-localnet",
    "fe00::\tip6-mcastprefix",
    "fe00::1\tip6-allnodes",
    "fe00::2\tip6-allrouters",
    `${podIp}\t${full}`,
    ...aliasLines(hostAliases),
  ];
  return `${lines.join("\n")}\n`;
}

function aliasLines(aliases: readonly HostAlias[]): readonly string[] {
  if (aliases.length === 0) return [];
  const lines = aliases.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join("\t")}`);
  return ["", "# Entries added by HostAliases.", ...lines];
}

const HOSTNAME_MAX = 63;

export function hostnameOf(pod: Pod): string {
  const own = pod.spec.hostnameOverride ?? pod.spec.hostname;
  if (own !== undefined && own !== "") return own;
  return pod.metadata.name.slice(0, HOSTNAME_MAX).replace(/[-.]+$/, "");
}

export function resolvConf(pod: Pod, dns: DnsSettings): string {
  const { dnsPolicy = "ClusterFirst", dnsConfig, hostNetwork } = pod.spec;
  const isCluster =
    dnsPolicy === "ClusterFirstWithHostNet" ||
    (dnsPolicy === "ClusterFirst" && hostNetwork !== true);
  const node = parseResolvConf(dns.nodeResolvConf);
  const domain = dns.clusterDomain;
  const base: ResolvConf =
    dnsPolicy === "None"
      ? { nameservers: [], searches: [], options: [] }
      : isCluster
        ? {
            nameservers: dns.clusterDns,
            searches: [
              `${pod.metadata.namespace}.svc.${domain}`,
              `svc.${domain}`,
              domain,
              ...node.searches,
            ],
            options: ["ndots:5"],
          }
        : node;
  const extra = (dnsConfig?.options ?? []).map(({ name = "", value }) =>
    value === undefined || value === "" ? name : `${name}:${value}`,
  );
  return formatResolvConf({
    nameservers: unique([...base.nameservers, ...(dnsConfig?.nameservers ?? [])]),
    searches: unique([...base.searches, ...(dnsConfig?.searches ?? [])]),
    options: withOptions(base.options, extra),
  });
}

interface ResolvConf {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

function parseResolvConf(text: string): ResolvConf {
  const lines = text.split("\n").map((line) => line.trim().split(/\s+/));
  const of = (key: string): readonly string[][] => lines.filter(([first]) => first === key);
  return {
    nameservers: of("nameserver").map(([, server = ""]) => server),
    searches: of("search").at(-1)?.slice(1) ?? [],
    options: of("options").flatMap(([, ...options]) => options),
  };
}

/** The pod's own options replace those of the same name. */
function withOptions(base: readonly string[], extra: readonly string[]): readonly string[] {
  const named = new Map([...base, ...extra].map((option) => [option.split(":")[0], option]));
  return [...named.values()];
}

function formatResolvConf({ nameservers, searches, options }: ResolvConf): string {
  const lines = [
    ...(searches.length > 0 ? [`search ${searches.join(" ")}`] : []),
    ...nameservers.map((server) => `nameserver ${server}`),
    ...(options.length > 0 ? [`options ${options.join(" ")}`] : []),
  ];
  return `${lines.join("\n")}\n`;
}

function unique(items: readonly string[]): readonly string[] {
  return [...new Set(items)];
}
