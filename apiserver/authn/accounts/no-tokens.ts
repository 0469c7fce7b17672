import { StatusError } from "#lib/status-error";
import type { TokenIssuer } from "../../chain/steps.ts";

/** Of a server that was given no key: a simulation needs none. */
export const NO_TOKENS: TokenIssuer = {
  audiences: [],
  async issue() {
    throw new StatusError("ServiceUnavailable", "this server has no key to sign tokens with");
  },
};
