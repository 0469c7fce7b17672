/** Tokens with which a machine joins: `ID.SECRET`, kept in Secrets of kube-system. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Clock } from "#lib/clock";
import type { Secret } from "#proto/core/v1";
import { secrets } from "#resources";
import type { Reader, User } from "../chain/steps.ts";
import { TokenError } from "./token-authenticator.ts";
import { AUTHENTICATED } from "./well-known.ts";

const NAMESPACE = "kube-system";
const TYPE = "bootstrap.kubernetes.io/token";
const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const GROUP = "system:bootstrappers";
const EXTRA_GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

/** Undefined for a token of another form. Throws TokenError for one that is not, or no more, valid. */
export async function bootstrapUser(
  reader: Reader,
  clock: Clock,
  token: string,
): Promise<User | undefined> {
  const [, id, secret] = TOKEN.exec(token) ?? [];
  if (id === undefined || secret === undefined) return undefined;
  const found = await reader.get(secrets, NAMESPACE, `bootstrap-token-${id}`);
  const held = found?.object as Secret | undefined;
  const problem = problemOf(held, { id, secret }, clock.nowMs());
  if (held === undefined || problem !== undefined) {
    throw new TokenError(`bootstrap token ${id}: ${problem ?? "it is not there"}`);
  }
  const extra = field(held, "auth-extra-groups").split(",");
  const groups = extra.map((each) => each.trim()).filter((each) => each !== "");
  const strange = groups.find((each) => !EXTRA_GROUP.test(each));
  if (strange !== undefined) throw new TokenError(`bootstrap token ${id}: bad group ${strange}`);
  return {
    name: `system:bootstrap:${id}`,
    groups: [...new Set([GROUP, ...groups]), AUTHENTICATED],
  };
}

function problemOf(
  held: Secret | undefined,
  given: { readonly id: string; readonly secret: string },
  nowMs: number,
): string | undefined {
  if (held === undefined || held.metadata.deletionTimestamp !== undefined) return "it is not there";
  if (held.type !== TYPE) return `its Secret is not of type ${TYPE}`;
  if (field(held, "token-id") !== given.id) return "its Secret is of another id";
  if (!isSame(field(held, "token-secret"), given.secret)) return "the secret part differs";
  const expiration = field(held, "expiration");
  // What is not a time has ended.
  if (expiration !== "" && !(Date.parse(expiration) > nowMs)) return "it has expired";
  const mayAuthenticate = field(held, "usage-bootstrap-authentication") === "true";
  return mayAuthenticate ? undefined : "it is not for authentication";
}

function field({ data = {} }: Secret, name: string): string {
  return Buffer.from(data[name] ?? "", "base64").toString("utf8");
}

/** In a time that tells nothing of where they differ. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
