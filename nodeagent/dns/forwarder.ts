import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { type DecodedPacket, decode, encode, RECURSION_DESIRED, type RecordType } from "dns-packet";
import type { Clock } from "#lib/clock";
import { rcodeOf } from "./wire.ts";

const DNS_PORT = 53;
const TRY_MS = 2000;
/** Each upstream is asked this often before the client hears of a failure. */
const ROUNDS = 2;
/** Sockets that wait at the same time: a burst of lookups must not use up the agent's file descriptors. */
const CONCURRENT_MAX = 256;
const CACHED_MAX = 10_000;
/** Whatever an upstream says: so long we believe it at most, and no shorter than so. */
const CACHE_SECONDS_MAX = 30;
const NEGATIVE_SECONDS = 5;

export interface ForwarderOptions {
  readonly upstreams: readonly string[];
  readonly clock: Clock;
  readonly port?: number;
}

export interface Forwarder {
  /** Undefined when no upstream answers. */
  ask(name: string, type: RecordType): Promise<DecodedPacket | undefined>;
}

interface Cached {
  readonly packet: DecodedPacket;
  readonly untilMs: number;
}

/** Asks the upstream name servers, one after another, and remembers answers for a while. */
export function createForwarder(options: ForwarderOptions): Forwarder {
  const cached = new Map<string, Cached>();
  const running = new Map<string, Promise<DecodedPacket | undefined>>();
  return {
    ask(name, type) {
      const key = `${type} ${name}`;
      const known = cached.get(key);
      const nowMs = options.clock.monotonicMs();
      if (known !== undefined && known.untilMs > nowMs) return Promise.resolve(known.packet);
      const asked = running.get(key);
      if (asked !== undefined) return asked;
      if (running.size >= CONCURRENT_MAX) return Promise.resolve(undefined);
      const answer = askAll(options, name, type)
        .then((packet) => {
          if (packet !== undefined) remember(cached, key, packet, options.clock.monotonicMs());
          return packet;
        })
        .finally(() => running.delete(key));
      running.set(key, answer);
      return answer;
    },
  };
}

function remember(
  cached: Map<string, Cached>,
  key: string,
  packet: DecodedPacket,
  nowMs: number,
): void {
  if (["SERVFAIL", "REFUSED"].includes(rcodeOf(packet))) return;
  const ttls = (packet.answers ?? []).map((one) => ("ttl" in one ? (one.ttl ?? 0) : 0));
  const seconds = ttls.length === 0 ? NEGATIVE_SECONDS : Math.min(CACHE_SECONDS_MAX, ...ttls);
  const oldest = cached.keys().next().value;
  if (cached.size >= CACHED_MAX && oldest !== undefined) cached.delete(oldest);
  cached.delete(key);
  cached.set(key, { packet, untilMs: nowMs + seconds * 1000 });
}

async function askAll(
  options: ForwarderOptions,
  name: string,
  type: RecordType,
): Promise<DecodedPacket | undefined> {
  for (let round = 0; round < ROUNDS; round++) {
    for (const upstream of options.upstreams) {
      const to = { address: upstream, port: options.port ?? DNS_PORT };
      const packet = await askOne(options.clock, to, name, type);
      if (packet !== undefined && rcodeOf(packet) !== "SERVFAIL") return packet;
    }
  }
  return undefined;
}

interface Upstream {
  readonly address: string;
  readonly port: number;
}

async function askOne(
  clock: Clock,
  to: Upstream,
  name: string,
  type: RecordType,
): Promise<DecodedPacket | undefined> {
  // Both the number and the port that the system chooses are random: an answer cannot be guessed.
  const query = encode({
    type: "query",
    id: randomInt(65_536),
    flags: RECURSION_DESIRED,
    questions: [{ type, name, class: "IN" }],
  });
  const answer = await overUdp(clock, to, query);
  if (answer === undefined || !answer.flag_tc) return answer;
  return (await overTcp(clock, to, query)) ?? answer;
}

function overUdp(clock: Clock, to: Upstream, query: Buffer): Promise<DecodedPacket | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    let isOver = false;
    const end = (packet: DecodedPacket | undefined): void => {
      if (isOver) return;
      isOver = true;
      cancel();
      socket.removeAllListeners("connect");
      socket.removeAllListeners("message");
      socket.close();
      resolve(packet);
    };
    const cancel = clock.after(TRY_MS, () => end(undefined));
    // For as long as the socket lives: what nobody hears would end the agent.
    socket.on("error", () => end(undefined));
    socket.on("message", (bytes) => {
      const packet = answerTo(query, bytes);
      if (packet !== undefined) end(packet);
    });
    // A connected socket hears only this upstream, and hears at once when nobody is there.
    socket.once("connect", () => socket.send(query));
    // Its callback would be called for a failure, too, which the listener above has heard of.
    socket.connect(to.port, to.address);
  });
}

function overTcp(clock: Clock, to: Upstream, query: Buffer): Promise<DecodedPacket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(to.port, to.address);
    let received: Buffer = Buffer.alloc(0);
    const end = (packet: DecodedPacket | undefined): void => {
      cancel();
      socket.destroy();
      resolve(packet);
    };
    const cancel = clock.after(TRY_MS, () => end(undefined));
    socket.on("error", () => end(undefined));
    socket.on("close", () => end(undefined));
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      end(answerTo(query, received.subarray(2, 2 + received.readUInt16BE(0))));
    });
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.length);
    socket.write(Buffer.concat([length, query]));
  });
}

/** Undefined for what is no answer to this query. */
function answerTo(query: Buffer, bytes: Buffer): DecodedPacket | undefined {
  try {
    if (bytes.readUInt16BE(0) !== query.readUInt16BE(0)) return undefined;
    const packet = decode(bytes);
    return packet.type === "response" ? packet : undefined;
  } catch {
    return undefined; // Cut off or forged.
  }
}
