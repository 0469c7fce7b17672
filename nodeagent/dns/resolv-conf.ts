/** Upstream name servers of a resolv.conf(5): the IPv4 addresses, without our own. */
export function upstreamsOf(text: string, own: ReadonlySet<string>): readonly string[] {
  return text
    .split("\n")
    .map((line) => /^\s*nameserver\s+(\d+(?:\.\d+){3})\s*$/.exec(line)?.[1])
    .filter((ip): ip is string => ip !== undefined && !own.has(ip));
}
