import {
  type Answer,
  AUTHORITATIVE_ANSWER,
  type DecodedPacket,
  decode,
  encode,
  type Packet,
  type Question,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
} from "dns-packet";
import { additionalsOf, answerLocally, authorityOf } from "./answer.ts";
import type { Forwarder } from "./forwarder.ts";
import { isQuery, rcodeOf } from "./wire.ts";
import type { Zone } from "./zone.ts";

/** What fits in a datagram without EDNS, and what we let through with it: larger ones may be cut into fragments. */
const PLAIN_BYTES_MAX = 512;
const EDNS_BYTES_MAX = 1232;
export const TCP_BYTES_MAX = 65_535;
const HEADER_BYTES = 12;
/** Prepared answers are a few hundred bytes each. */
const PREPARED_MAX = 10_000;
/** Answers with several addresses are prepared in so many orders at most, so that clients spread. */
const ORDERS_MAX = 8;

const RCODE = { ok: 0, format: 1, server: 2, name: 3, notImplemented: 4, refused: 5 } as const;

export interface ResponderOptions {
  readonly zone: Zone;
  readonly forwarder: Forwarder;
  /** Whether an address, as in the name of a PTR question, is one that only this cluster can know. */
  isOwnAddress(ip: string): boolean;
}

interface Prepared {
  readonly orders: readonly Buffer[];
  next: number;
}

/**
 * Turns queries into answers. Those about the cluster are encoded once per question: the same question again costs a
 * lookup by its bytes and a copy.
 */
export class Responder {
  readonly #options: ResponderOptions;
  readonly #prepared = new Map<string, Prepared>();
  #generation = -1;

  constructor(options: ResponderOptions) {
    this.#options = options;
  }

  /** Undefined for what deserves no answer. `bytesMax` is the transport's limit; EDNS may raise a datagram's. */
  respond(query: Buffer, isDatagram: boolean): Buffer | Promise<Buffer> | undefined {
    // An answer as a question would make two servers talk to each other for ever.
    if (query.length < HEADER_BYTES || ((query[2] ?? 0) & 0x80) !== 0) return undefined;
    this.#forgetIfChanged();
    // Everything but the number at the start.
    const key = (isDatagram ? "u" : "t") + query.toString("latin1", 2);
    const prepared = this.#prepared.get(key);
    if (prepared !== undefined) return withIdOf(query, takeNext(prepared));
    return this.#respondAnew(query, isDatagram, key);
  }

  #respondAnew(query: Buffer, isDatagram: boolean, key: string): Buffer | Promise<Buffer> {
    const packet = decodeQuery(query);
    if (packet === undefined) return refusal(query, RCODE.format);
    const [question, ...more] = packet.questions ?? [];
    if (!isQuery(packet)) return refusal(query, RCODE.notImplemented);
    if (question === undefined || more.length > 0) return refusal(query, RCODE.format);
    if (question.class !== "IN") return refusal(query, RCODE.refused);
    const draft: Draft = { query: packet, question, bytesMax: bytesMaxOf(packet, isDatagram) };
    const name = question.name.toLowerCase().replace(/\.$/, "");
    if (!this.#owns(name)) return this.#forward(draft, name);
    const found = this.#answer(draft, name);
    if (found instanceof Promise) return found;
    if (this.#prepared.size >= PREPARED_MAX) this.#prepared.clear();
    const prepared = { orders: found, next: 0 };
    this.#prepared.set(key, prepared);
    return withIdOf(query, takeNext(prepared));
  }

  #answer(draft: Draft, name: string): readonly Buffer[] | Promise<Buffer> {
    const { zone } = this.#options;
    const local = answerLocally(zone, name, draft.question.type);
    const authority = [authorityOf(zone.domain)];
    switch (local.at) {
      case "no-such-name":
        return [encodeAnswer(draft, { rcode: RCODE.name, authority })];
      case "no-data":
        return [encodeAnswer(draft, { rcode: RCODE.ok, authority })];
      case "alias":
        return this.#followAlias(draft, local.answers, local.target);
      case "found":
        return ordersOf(local.answers).map((answers) =>
          encodeAnswer(draft, {
            rcode: RCODE.ok,
            answers,
            additionals: additionalsOf(zone, answers),
          }),
        );
    }
  }

  async #followAlias(draft: Draft, answers: readonly Answer[], target: string): Promise<Buffer> {
    const beyond = await this.#options.forwarder.ask(target, draft.question.type);
    return encodeAnswer(draft, {
      rcode: RCODE.ok,
      answers: [...answers, ...(beyond?.answers ?? [])],
    });
  }

  async #forward(draft: Draft, name: string): Promise<Buffer> {
    const answer = await this.#options.forwarder.ask(name, draft.question.type);
    if (answer === undefined) return encodeAnswer(draft, { rcode: RCODE.server });
    return encodeAnswer(draft, {
      rcode: forwardedRcode(answer),
      answers: answer.answers ?? [],
      authority: answer.authorities ?? [],
      isForwarded: true,
    });
  }

  #owns(name: string): boolean {
    if (this.#options.zone.owns(name)) return true;
    if (!name.endsWith(".in-addr.arpa")) return false;
    const ip = name.slice(0, -".in-addr.arpa".length).split(".").toReversed().join(".");
    return this.#options.isOwnAddress(ip);
  }

  #forgetIfChanged(): void {
    const { generation } = this.#options.zone;
    if (generation === this.#generation) return;
    this.#generation = generation;
    this.#prepared.clear();
  }
}

interface Draft {
  readonly query: DecodedPacket;
  readonly question: Question;
  readonly bytesMax: number;
}

interface Content {
  readonly rcode: number;
  readonly answers?: readonly Answer[];
  readonly authority?: readonly Answer[];
  readonly additionals?: readonly Answer[];
  readonly isForwarded?: true;
}

/** Without what does not fit: additional records first, then everything, which sends the client to TCP. */
function encodeAnswer(draft: Draft, content: Content): Buffer {
  const whole = encode(packetOf(draft, content, 0));
  if (whole.length <= draft.bytesMax) return whole;
  const { additionals: _, ...lean } = content;
  const leaner = encode(packetOf(draft, lean, 0));
  if (leaner.length <= draft.bytesMax) return leaner;
  return encode(packetOf(draft, { rcode: content.rcode }, TRUNCATED_RESPONSE));
}

function packetOf(draft: Draft, content: Content, extraFlags: number): Packet {
  const { query, question } = draft;
  const desired = query.flag_rd ? RECURSION_DESIRED : 0;
  const authoritative = content.isForwarded === true ? 0 : AUTHORITATIVE_ANSWER;
  const additionals: Answer[] = [...(content.additionals ?? [])];
  if (hasEdns(query)) {
    additionals.push({
      type: "OPT",
      name: ".",
      udpPayloadSize: EDNS_BYTES_MAX,
      extendedRcode: 0,
      ednsVersion: 0,
      flags: 0,
      flag_do: false,
      options: [],
    });
  }
  return {
    type: "response",
    id: query.id ?? 0,
    flags: desired | RECURSION_AVAILABLE | authoritative | extraFlags | content.rcode,
    questions: [question],
    answers: [...(content.answers ?? [])],
    authorities: [...(content.authority ?? [])],
    additionals,
  };
}

/** The same answers in several orders, the aliases that lead to them staying in front. */
function ordersOf(answers: readonly Answer[]): readonly (readonly Answer[])[] {
  const aliases = answers.filter((one) => one.type === "CNAME");
  const others = answers.filter((one) => one.type !== "CNAME");
  const count = Math.min(Math.max(others.length, 1), ORDERS_MAX);
  return Array.from({ length: count }, (_, start) => [
    ...aliases,
    ...others.slice(start),
    ...others.slice(0, start),
  ]);
}

function takeNext(prepared: Prepared): Buffer {
  const { orders, next } = prepared;
  prepared.next = (next + 1) % orders.length;
  return orders[next] ?? Buffer.alloc(0);
}

function withIdOf(query: Buffer, answer: Buffer): Buffer {
  const copy = Buffer.from(answer);
  query.copy(copy, 0, 0, 2);
  return copy;
}

function decodeQuery(query: Buffer): DecodedPacket | undefined {
  try {
    return decode(query);
  } catch {
    return undefined; // Whatever came here, it is answered as malformed.
  }
}

/** The header alone, for questions that could not be read or are not for us. */
function refusal(query: Buffer, rcode: number): Buffer {
  const answer = Buffer.alloc(HEADER_BYTES);
  query.copy(answer, 0, 0, 2);
  answer[2] = 0x80 | ((query[2] ?? 0) & 0x79);
  answer[3] = 0x80 | rcode;
  return answer;
}

function hasEdns(query: DecodedPacket): boolean {
  return (query.additionals ?? []).some((one) => one.type === "OPT");
}

function bytesMaxOf(query: DecodedPacket, isDatagram: boolean): number {
  if (!isDatagram) return TCP_BYTES_MAX;
  const options = (query.additionals ?? []).find((one) => one.type === "OPT");
  if (options?.type !== "OPT") return PLAIN_BYTES_MAX;
  return Math.min(Math.max(options.udpPayloadSize, PLAIN_BYTES_MAX), EDNS_BYTES_MAX);
}

function forwardedRcode(packet: DecodedPacket): number {
  const rcode = rcodeOf(packet);
  if (rcode === "NXDOMAIN") return RCODE.name;
  return rcode === "NOERROR" ? RCODE.ok : RCODE.server;
}
