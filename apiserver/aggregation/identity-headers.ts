/** How a proxy tells a server behind it who asks; and which of a client's own headers go along. Pure. */
import type { User } from "../chain/steps.ts";

/** Kubernetes' names: whoever trusts the front proxy reads these. */
export const IDENTITY = {
  user: "X-Remote-User",
  uid: "X-Remote-Uid",
  group: "X-Remote-Group",
  extraPrefix: "X-Remote-Extra-",
} as const;

export type Headers = Readonly<Record<string, string | readonly string[]>>;

/** Meant for one connection, or for us alone. */
const OWN =
  /^(:.*|authorization|connection|expect|host|http2-settings|impersonate-.*|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade)$/;
/** Servers that see an underscore as a hyphen must not take a client's word for who it is. */
const SMUGGLED = /^x[-_]remote[-_]/;

/** A message's headers without those that only we may set, or that its Connection header names. */
export function forwardedHeaders(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Headers {
  const named = String(headers["connection"] ?? "")
    .split(",")
    .map((name) => name.trim().toLowerCase());
  return Object.fromEntries(
    Object.entries(headers).filter(
      (entry): entry is [string, string | readonly string[]] =>
        entry[1] !== undefined &&
        !OWN.test(entry[0]) &&
        !SMUGGLED.test(entry[0]) &&
        !named.includes(entry[0]),
    ),
  );
}

export function identityHeaders({ extra = {}, groups, name, uid = "" }: User): Headers {
  return {
    [IDENTITY.user]: bytesOf(name),
    ...(uid === "" ? {} : { [IDENTITY.uid]: bytesOf(uid) }),
    ...(groups.length === 0 ? {} : { [IDENTITY.group]: groups.map(bytesOf) }),
    ...Object.fromEntries(
      Object.entries(extra).map(([key, values]) => [
        `${IDENTITY.extraPrefix}${escaped(key)}`,
        values.map(bytesOf),
      ]),
    ),
  };
}

/** Headers are bytes, and Node writes a string's characters as one each: UTF-8 has to be made before. */
function bytesOf(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

const TOKEN_CHARACTER = /^[!#$&'*+\-.^_`|~0-9A-Za-z]$/;

/** A header's name holds few characters: the others, and the percent sign, are escaped. */
function escaped(key: string): string {
  return [...Buffer.from(key, "utf8")]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      if (TOKEN_CHARACTER.test(character)) return character;
      return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
}
