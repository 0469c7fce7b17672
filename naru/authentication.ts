/** Reads the files that the flags about authentication name. */
import { readFile } from "node:fs/promises";
import type { AuthenticationOptions } from "../apiserver/authn/authenticators.ts";
import type { AuthenticationConfig } from "./config.ts";
import { httpsFetch } from "./https-fetch.ts";

export async function authenticationOf({
  oidc,
  tokenAuthFile,
}: AuthenticationConfig): Promise<AuthenticationOptions> {
  const ca = oidc?.caFile === undefined ? undefined : await readFile(oidc.caFile, "utf8");
  return {
    ...(tokenAuthFile === undefined ? {} : { tokenFile: await readFile(tokenAuthFile, "utf8") }),
    ...(oidc === undefined ? {} : { oidc: { ...oidc, fetch: httpsFetch(ca) } }),
  };
}
