/** How service accounts appear as users: `system:serviceaccount:NAMESPACE:NAME`. */
export interface Account {
  readonly namespace: string;
  readonly name: string;
}

const USER = "system:serviceaccount:";
const GROUP = "system:serviceaccounts";

export function userOfAccount({ name, namespace }: Account): string {
  return `${USER}${namespace}:${name}`;
}

/** Undefined for a user that is no service account. */
export function accountOfUser(user: string): Account | undefined {
  if (!user.startsWith(USER)) return undefined;
  const [namespace = "", name = "", ...more] = user.slice(USER.length).split(":");
  return namespace === "" || name === "" || more.length > 0 ? undefined : { namespace, name };
}

export function groupsOfAccount({ namespace }: Account): readonly string[] {
  return [GROUP, `${GROUP}:${namespace}`];
}
