/** The WebSocket framings of exec and attach: which byte means which stream. */

export const STDIN = 0;
export const STDOUT = 1;
export const STDERR = 2;
export const ERROR = 3;
export const RESIZE = 4;
/** v5 only: the next byte names the channel that has no more to send. */
export const CLOSE = 255;

export interface ChannelProtocol {
  readonly name: string;
  /** Channel bytes as digits and payloads in base64, for clients that cannot send binary. */
  readonly base64: boolean;
  /** Does the error channel carry a Status as JSON? Older ones carry plain text. */
  readonly status: boolean;
}

/** The newest first: what a client and we both speak is chosen in this order. */
export const CHANNEL_PROTOCOLS: readonly ChannelProtocol[] = [
  { name: "v5.channel.k8s.io", base64: false, status: true },
  { name: "v4.channel.k8s.io", base64: false, status: true },
  { name: "v4.base64.channel.k8s.io", base64: true, status: true },
  { name: "v3.channel.k8s.io", base64: false, status: false },
  { name: "v2.channel.k8s.io", base64: false, status: false },
  { name: "base64.channel.k8s.io", base64: true, status: false },
  { name: "channel.k8s.io", base64: false, status: false },
  { name: "", base64: false, status: false },
];

/** Undefined when the client offers none that we speak. */
export function chooseProtocol(offered: readonly string[]): ChannelProtocol | undefined {
  const names = offered.length === 0 ? [""] : offered;
  return CHANNEL_PROTOCOLS.find(({ name }) => names.includes(name));
}

export interface ChannelMessage {
  readonly channel: number;
  readonly payload: Buffer;
}

export function encodeChannel(
  protocol: ChannelProtocol,
  channel: number,
  payload: Uint8Array,
): Buffer | string {
  if (protocol.base64) return `${channel}${Buffer.from(payload).toString("base64")}`;
  return Buffer.concat([Buffer.of(channel), payload]);
}

/** Undefined for an empty message, which says nothing. */
export function decodeChannel(
  protocol: ChannelProtocol,
  message: Buffer,
): ChannelMessage | undefined {
  const [first] = message;
  if (first === undefined) return undefined;
  if (!protocol.base64) return { channel: first, payload: message.subarray(1) };
  const payload = Buffer.from(message.toString("latin1", 1), "base64");
  return { channel: first - "0".charCodeAt(0), payload };
}
