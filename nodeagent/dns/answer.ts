/** The answer to a question about the cluster's own names. Pure. */
import type { Answer, SoaAnswer } from "dns-packet";
import type { NameRecords } from "./records.ts";
import type { Zone } from "./zone.ts";

/** Services move: nobody should remember an address for long. */
export const TTL_SECONDS = 5;
/** A chain of aliases this long is a loop. */
const ALIASES_MAX = 8;

export type LocalAnswer =
  | { readonly at: "found"; readonly answers: readonly Answer[] }
  /** The name exists, but has no record of this type. */
  | { readonly at: "no-data" }
  | { readonly at: "no-such-name" }
  /** An alias leads out of the cluster: what is there has to be asked elsewhere and added. */
  | { readonly at: "alias"; readonly answers: readonly Answer[]; readonly target: string };

/** `name` in small letters, without a final dot. */
export function answerLocally(zone: Zone, name: string, type: string): LocalAnswer {
  const aliases: Answer[] = [];
  let at = name;
  while (aliases.length < ALIASES_MAX) {
    const alias = type === "CNAME" ? undefined : zone.find(at)?.cname;
    if (alias === undefined) return answerAt(zone, at, type, aliases);
    aliases.push({ type: "CNAME", name: at, ttl: TTL_SECONDS, data: alias });
    at = alias;
    if (!zone.owns(at)) return { at: "alias", answers: aliases, target: at };
  }
  return { at: "found", answers: aliases };
}

function answerAt(zone: Zone, name: string, type: string, aliases: readonly Answer[]): LocalAnswer {
  const records = zone.find(name);
  const answers = [...aliases, ...(records === undefined ? [] : answersOf(name, records, type))];
  if (answers.length > 0) return { at: "found", answers };
  return records !== undefined || zone.exists(name) ? { at: "no-data" } : { at: "no-such-name" };
}

/** Goes with every denial and says for how long it may be believed. */
export function authorityOf(domain: string): SoaAnswer {
  return {
    type: "SOA",
    name: domain,
    ttl: TTL_SECONDS,
    data: {
      mname: `ns.dns.${domain}`,
      rname: `hostmaster.${domain}`,
      serial: 1,
      refresh: 7200,
      retry: 1800,
      expire: 86_400,
      minimum: TTL_SECONDS,
    },
  };
}

/** The addresses behind SRV records, so that nobody has to ask again. */
export function additionalsOf(zone: Zone, answers: readonly Answer[]): Answer[] {
  const targets = new Set(answers.flatMap((one) => (one.type === "SRV" ? one.data.target : [])));
  return [...targets].flatMap((target) => {
    const records = zone.find(target);
    return records === undefined ? [] : answersOf(target, records, "A");
  });
}

function answersOf(name: string, records: NameRecords, type: string): Answer[] {
  const ttl = TTL_SECONDS;
  switch (type) {
    case "A":
      return records.a.map((data) => ({ type, name, ttl, data }));
    case "SRV":
      return records.srv.map(({ target, port }) => ({
        type,
        name,
        ttl,
        data: { priority: 0, weight: 100, port, target },
      }));
    case "PTR":
      return records.ptr.map((data) => ({ type, name, ttl, data }));
    case "TXT":
      return records.txt.map((data) => ({ type, name, ttl, data }));
    case "CNAME":
      return records.cname === undefined ? [] : [{ type, name, ttl, data: records.cname }];
    default:
      return [];
  }
}
