/** What dns-packet knows of a decoded packet beyond its published types. */
import type { DecodedPacket } from "dns-packet";

/** "NOERROR", "NXDOMAIN", … */
export function rcodeOf(packet: DecodedPacket): string {
  return String((packet as { readonly rcode?: unknown }).rcode);
}

export function isQuery(packet: DecodedPacket): boolean {
  return (packet as { readonly opcode?: unknown }).opcode === "QUERY";
}
