/** Acting as somebody else, which is itself a right: over the user, each group, the uid and each extra value. */
import { StatusError } from "#lib/status-error";
import type { AccessRequest, Authorizer, User } from "../chain/steps.ts";
import { accountOfUser, groupsOfAccount } from "./service-account-names.ts";
import { ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED } from "./well-known.ts";

const PREFIX = "impersonate-";
const EXTRA = "impersonate-extra-";
const GROUP = "authentication.k8s.io";

/** What the headers ask for. */
interface Target {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: readonly (readonly [key: string, value: string])[];
}

/** `headers` are names and values in turn, as they came: a repeated header must stay apart. */
export async function impersonated(
  authorizer: Authorizer,
  user: User,
  headers: readonly string[],
): Promise<User> {
  // Hardly ever; and every request comes by here.
  if (!headers.some(isImpersonation)) return user;
  const target = targetIn(headers);
  if (target === undefined) return user;
  for (const request of rightsFor(target)) {
    const verdict = await authorizer.authorize({ user, verb: "impersonate", ...request });
    if (!verdict.allowed) throw forbidden(user, request);
  }
  return userOf(target);
}

function isImpersonation(header: string): boolean {
  return header.length > PREFIX.length && header.slice(0, PREFIX.length).toLowerCase() === PREFIX;
}

function targetIn(headers: readonly string[]): Target | undefined {
  const values = (wanted: string): string[] =>
    pairs(headers).flatMap(([name, value]) => (name === wanted ? [value] : []));
  const name = values("impersonate-user")[0] ?? "";
  const uid = values("impersonate-uid")[0] ?? "";
  const groups = values("impersonate-group");
  const extra = pairs(headers).flatMap(([header, value]) =>
    header.startsWith(EXTRA) ? [[decode(header.slice(EXTRA.length)), value] as const] : [],
  );
  if (name !== "") return { name, uid, groups, extra };
  if (uid === "" && groups.length === 0 && extra.length === 0) return undefined;
  throw new StatusError(
    "BadRequest",
    "impersonation of a group, uid or extra value needs a user: set the header Impersonate-User as well",
  );
}

function pairs(headers: readonly string[]): readonly (readonly [name: string, value: string])[] {
  const found: [string, string][] = [];
  for (let at = 0; at + 1 < headers.length; at += 2)
    found.push([(headers[at] ?? "").toLowerCase(), headers[at + 1] ?? ""]);
  return found;
}

/** Header names hold few characters; clients escape the others. */
function decode(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    // Not escaped, then.
    return key;
  }
}

type Right = Omit<AccessRequest, "user" | "verb">;

function rightsFor({ extra, groups, name, uid }: Target): readonly Right[] {
  const account = accountOfUser(name);
  return [
    account === undefined
      ? { group: "", version: "v1", resource: "users", name }
      : { group: "", version: "v1", resource: "serviceaccounts", ...account },
    ...groups.map((each) => ({ group: "", version: "v1", resource: "groups", name: each })),
    ...extra.map(([key, value]) => ({
      group: GROUP,
      version: "v1",
      resource: "userextras",
      subresource: key,
      name: value,
    })),
    ...(uid === "" ? [] : [{ group: GROUP, version: "v1", resource: "uids", name: uid }]),
  ];
}

function userOf({ extra, groups: given, name, uid }: Target): User {
  const account = accountOfUser(name);
  const groups = account === undefined || given.length > 0 ? given : groupsOfAccount(account);
  const implied = name === ANONYMOUS.name ? UNAUTHENTICATED : AUTHENTICATED;
  return {
    name,
    groups:
      groups.includes(implied) || groups.includes(UNAUTHENTICATED) ? groups : [...groups, implied],
    ...(uid === "" ? {} : { uid }),
    ...(extra.length === 0 ? {} : { extra: valuesByKey(extra) }),
  };
}

function valuesByKey(extra: Target["extra"]): Readonly<Record<string, readonly string[]>> {
  const byKey = Map.groupBy(extra, ([key]) => key);
  return Object.fromEntries([...byKey].map(([key, all]) => [key, all.map(([, value]) => value)]));
}

function forbidden(
  user: User,
  { group = "", name = "", namespace, resource = "", subresource }: Right,
) {
  const what = subresource === undefined ? resource : `${resource}/${subresource}`;
  const where =
    namespace === undefined ? "at the cluster scope" : `in the namespace "${namespace}"`;
  const qualified = group === "" ? what : `${what}.${group}`;
  return new StatusError(
    "Forbidden",
    `${qualified} "${name}" is forbidden: User "${user.name}" cannot impersonate resource "${what}" in API group "${group}" ${where}`,
    { details: { name, group, kind: resource } },
  );
}
