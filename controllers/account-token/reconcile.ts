import { Controller } from "#client";
import { keyOf } from "#lib/api/key";
import type { SigningKey } from "#lib/signing-key";
import { StatusError } from "#lib/status-error";
import type { Secret } from "#proto/core/v1";
import { secrets, serviceAccounts } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";
import { accountNameOf, filled, planTokenSecret } from "./plan.ts";
import { signLegacyToken } from "./sign.ts";

export interface AccountTokenOptions {
  readonly key: SigningKey;
  /** PEM of the cluster's authority. */
  readonly authority: string;
}

/** Fills Secrets that are to hold an account's token, and removes them with the account. */
export function accountTokenController(
  context: ControllerContext,
  { authority, key: signing }: AccountTokenOptions,
): StartedController {
  const { client, informers } = context;
  const held = informers.of(secrets).store;
  const accounts = informers.of(serviceAccounts).store;
  held.addIndex("account", (secret) => {
    const name = accountNameOf(secret);
    return name === undefined ? [] : [`${secret.metadata.namespace}/${name}`];
  });
  const controller = new Controller({
    ...context,
    name: "account-token",
    async reconcile(key) {
      const secret = held.get(key);
      const name = secret && accountNameOf(secret);
      if (secret === undefined || name === undefined) return undefined;
      const { namespace = "", uid } = secret.metadata;
      const account =
        accounts.get(`${namespace}/${name}`) ??
        (await client.get(serviceAccounts, { namespace, name }).catch(absent));
      const plan = planTokenSecret(secret, account, authority);
      if (plan.do === "remove")
        await client
          .delete(secrets, { namespace, name: secret.metadata.name }, { preconditions: { uid } })
          .catch(absent);
      if (plan.do === "fill" && account !== undefined) {
        const token = plan.needsToken ? await signLegacyToken(signing, secret, account) : undefined;
        await client.update(secrets, filled(secret, account, { authority, token }));
      }
      return undefined;
    },
  });
  const consider = (secret: Secret): void => controller.add(keyOf(secret));
  informers.of(secrets).onChange((_, after) => {
    if (after !== undefined && accountNameOf(after) !== undefined) consider(after);
  });
  informers.of(serviceAccounts).onChange((before, after) => {
    const account = after ?? before;
    if (account !== undefined)
      for (const secret of held.by("account", keyOf(account))) consider(secret);
  });
  return controller;
}

/** What is not there needs nothing more. */
function absent(error: unknown): undefined {
  if (!StatusError.is(error, "NotFound")) throw error;
  return undefined;
}
