/** The table without its elements: written anew at every full synchronization. */
import { MAPS, SETS } from "./elements.ts";

export interface TableOptions {
  readonly table: string;
  /** All pods of the cluster. */
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  readonly dnsIp: string;
  /** The node's address among its pods, which answers come back to. */
  readonly gateway: string;
}

const DESTINATION = "ip daddr . meta l4proto . th dport";
const PORT = "meta l4proto . th dport";
const AT = "ipv4_addr . inet_proto . inet_service";
const ENDPOINT = "ipv4_addr . inet_service";

/**
 * `type` rather than `typeof` wherever nft lets us: it remembers of `typeof th dport` that this was about "th", and
 * later refuses rules about TCP over the same map. Random numbers have no `type`.
 */
const TYPES: Readonly<Record<(typeof MAPS)[number] | (typeof SETS)[number], string>> = {
  services: `type ${AT} : mark`,
  node_ports: "type inet_proto . inet_service : mark",
  dispatch: "type mark : verdict",
  endpoints: `type mark . mark : ${ENDPOINT}`,
  affine_slots: "typeof meta mark . numgen random mod 2 : ct mark",
  refused: `type ${AT} : verdict`,
  refused_ports: "type inet_proto . inet_service : verdict",
  host_ports: `type inet_proto . inet_service : ${ENDPOINT}`,
  host_ports_at: `type ${AT} : ${ENDPOINT}`,
  hairpins: "type mark . ipv4_addr . ipv4_addr",
  keep_source: "type mark",
};

/** Clients that services with affinity remember, all together: 64 bytes each. */
const AFFINITY_MAX = 65_536;
/** kube-proxy's default; rules say their own. */
const AFFINITY_SECONDS = 10_800;

const HOOKS: Readonly<Record<string, string>> = {
  prerouting: "type nat hook prerouting priority dstnat",
  output: "type nat hook output priority -100",
  postrouting: "type nat hook postrouting priority srcnat",
  filter_input: "type filter hook input priority filter",
  filter_forward: "type filter hook forward priority filter",
  filter_output: "type filter hook output priority filter",
};

/** Commands that leave the table with all its rules, empty maps and sets, and what clients are remembered. */
export function baseTable(options: TableOptions): string[] {
  const { table } = options;
  const commands = [`add table ip ${table}`, `flush table ip ${table}`];
  for (const name of MAPS) commands.push(`add map ip ${table} ${name} { ${TYPES[name]}; }`);
  for (const name of SETS) commands.push(`add set ip ${table} ${name} { ${TYPES[name]}; }`);
  commands.push(
    `add map ip ${table} affinity { type ipv4_addr . mark : mark; flags dynamic,timeout; ` +
      `size ${AFFINITY_MAX}; timeout ${AFFINITY_SECONDS}s; }`,
  );
  for (const name of [...MAPS, ...SETS]) {
    const kind = (SETS as readonly string[]).includes(name) ? "set" : "map";
    commands.push(`flush ${kind} ip ${table} ${name}`);
  }
  for (const [chain, hook] of Object.entries(HOOKS))
    commands.push(`add chain ip ${table} ${chain} { ${hook}; }`);
  for (const [chain, rules] of Object.entries(rulesByChain(options))) {
    if (HOOKS[chain] === undefined) commands.push(`add chain ip ${table} ${chain}`);
    for (const rule of rules) commands.push(`add rule ip ${table} ${chain} ${rule}`);
  }
  return commands;
}

function rulesByChain(options: TableOptions): Readonly<Record<string, readonly string[]>> {
  const { clusterCidr, serviceCidr, dnsIp, gateway } = options;
  // What connects to 127.0.0.1 has an address that must not leave the node.
  const toNode = "ip daddr != 127.0.0.0/8 fib daddr type local";
  const unserved = `ip daddr ${serviceCidr} ip daddr != ${dnsIp} goto refuse`;
  return {
    refuse: ["meta l4proto tcp reject with tcp reset", "reject with icmp type port-unreachable"],
    to_services: [
      `meta mark set ${DESTINATION} map @services meta mark vmap @dispatch`,
      `${toNode} meta mark set ${PORT} map @node_ports meta mark vmap @dispatch`,
      `${toNode} dnat ip to ${DESTINATION} map @host_ports_at`,
      `${toNode} dnat ip to ${PORT} map @host_ports`,
    ],
    prerouting: ["jump to_services"],
    output: ["jump to_services"],
    postrouting: [
      // A pod does not take packets from its own address.
      `ct status dnat meta mark . ip saddr . ip daddr @hairpins snat ip to ${gateway}`,
      "ct status dnat meta mark @keep_source return",
      // The answer has to pass here again, also when the endpoint could reach the client by itself.
      `ct status dnat meta mark != 0 ct original ip daddr != ${serviceCidr} snat ip to ${gateway}`,
      `ct status dnat meta mark != 0 ip saddr != ${clusterCidr} snat ip to ${gateway}`,
      // Outside, nobody knows pods.
      `ip saddr ${clusterCidr} ip daddr != ${clusterCidr} ip daddr != ${serviceCidr} masquerade`,
    ],
    filter_input: [`ct state new fib daddr type local ${PORT} vmap @refused_ports`],
    filter_forward: [`${DESTINATION} vmap @refused`, unserved],
    filter_output: [
      `${DESTINATION} vmap @refused`,
      `ct state new fib daddr type local ${PORT} vmap @refused_ports`,
      unserved,
    ],
  };
}
