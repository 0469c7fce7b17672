/** Chains that balance: one for each number of endpoints, shared by all services that have so many. */

/** "n3" takes one of three at random. */
export function randomChain(endpoints: number): string {
  return `n${endpoints}`;
}

/** "a3t10800" does so for a client that was not seen for 10,800 seconds, and repeats itself for the others. */
export function affineChain(endpoints: number, timeoutSeconds: number): string {
  return `a${endpoints}t${timeoutSeconds}`;
}

/** nft needs to be told that what follows is about ports. */
const WITH_PORTS = "meta l4proto { tcp, udp, sctp }";

/** The rules of such a chain, by its name. */
export function rulesOf(chain: string): readonly string[] {
  const send = `${WITH_PORTS} dnat ip to meta mark . ct mark map @endpoints`;
  const random = /^n(\d+)$/.exec(chain);
  if (random !== null) return [`ct mark set numgen random mod ${random[1]} ${send}`];
  const affine = /^a(\d+)t(\d+)$/.exec(chain);
  if (affine === null) throw new Error(`no rules for chain ${chain}`);
  const remember = `update @affinity { ip saddr . meta mark timeout ${affine[2]}s : ct mark }`;
  return [
    // When the endpoint is gone, the last lookup finds nothing, and the next rule chooses another one.
    `ct mark set ip saddr . meta mark map @affinity ${remember} ${send}`,
    `ct mark set meta mark . numgen random mod ${affine[1]} map @affine_slots ${remember} ${send}`,
  ];
}
