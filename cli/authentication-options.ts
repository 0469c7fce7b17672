/** The flags of `naru up` about who is let in: Kubernetes' names and meanings. */
import { resolve } from "node:path";
import type { Command } from "commander";
import type { AuthenticationConfig } from "../naru/config.ts";
import { UserError } from "./terminal.ts";

export interface AuthenticationFlags {
  readonly tokenAuthFile?: string;
  readonly oidcIssuerUrl?: string;
  readonly oidcClientId?: string;
  readonly oidcUsernameClaim?: string;
  readonly oidcUsernamePrefix?: string;
  readonly oidcGroupsClaim?: string;
  readonly oidcGroupsPrefix?: string;
  readonly oidcRequiredClaim?: readonly string[];
  readonly oidcCaFile?: string;
}

export function addAuthenticationFlags(command: Command): Command {
  return command
    .option("--token-auth-file <file>", 'static tokens, a line each: token,user,uid,"group,group"')
    .option("--oidc-issuer-url <url>", "users of this OpenID Connect issuer are let in")
    .option("--oidc-client-id <id>", "whom the issuer's tokens must be for")
    .option("--oidc-username-claim <claim>", "the claim with the user's name (default: sub)")
    .option("--oidc-username-prefix <text>", "before user names; - for none (default: ISSUER#)")
    .option("--oidc-groups-claim <claim>", "the claim with the user's groups")
    .option("--oidc-groups-prefix <text>", "before group names")
    .option("--oidc-required-claim <claim=value...>", "what every token must say")
    .option("--oidc-ca-file <file>", "the authority of the issuer's certificate");
}

/** Undefined when none is given. */
export function authenticationConfig(flags: AuthenticationFlags): AuthenticationConfig | undefined {
  const { tokenAuthFile } = flags;
  const oidc = oidcConfig(flags);
  if (tokenAuthFile === undefined && oidc === undefined) return undefined;
  return {
    ...(tokenAuthFile === undefined ? {} : { tokenAuthFile: resolve(tokenAuthFile) }),
    ...(oidc === undefined ? {} : { oidc }),
  };
}

function oidcConfig(flags: AuthenticationFlags): AuthenticationConfig["oidc"] {
  const { oidcCaFile, oidcClientId: clientId, oidcIssuerUrl: issuerUrl } = flags;
  if (issuerUrl === undefined && clientId === undefined) return undefined;
  if (issuerUrl === undefined || clientId === undefined)
    throw new UserError("--oidc-issuer-url and --oidc-client-id go together");
  if (!issuerUrl.startsWith("https://"))
    throw new UserError(`--oidc-issuer-url ${issuerUrl}: must be an https URL`);
  const optional = {
    usernameClaim: flags.oidcUsernameClaim,
    usernamePrefix: flags.oidcUsernamePrefix,
    groupsClaim: flags.oidcGroupsClaim,
    groupsPrefix: flags.oidcGroupsPrefix,
    requiredClaims:
      flags.oidcRequiredClaim && Object.fromEntries(flags.oidcRequiredClaim.map(claim)),
    caFile: oidcCaFile === undefined ? undefined : resolve(oidcCaFile),
  };
  const given = Object.entries(optional).filter(([, value]) => value !== undefined);
  return { issuerUrl, clientId, ...Object.fromEntries(given) };
}

function claim(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at <= 0) throw new UserError(`--oidc-required-claim ${text}: must be CLAIM=VALUE`);
  return [text.slice(0, at), text.slice(at + 1)];
}
