import { networkPolicies } from "#resources";
import type { Validator } from "./plugin.ts";

/** Whoever writes a network policy counts on it: that no node here acts on it has to be said. */
export const notEnforced: Validator = ({ operation, resource, subresource, warn }) => {
  const isWrite = operation === "CREATE" || operation === "UPDATE";
  if (resource === networkPolicies && isWrite && subresource === undefined)
    warn?.("NetworkPolicy is stored but not enforced");
  return undefined;
};
