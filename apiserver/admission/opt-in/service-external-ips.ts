import type { Service } from "#proto/core/v1";
import { services } from "#resources";
import { isWriteOf, type Validator } from "../plugin.ts";
import { refused } from "../refusal.ts";

/** Who may write services could otherwise take addresses to himself that are others'. What is there may stay. */
export const denyServiceExternalIPs: Validator = (request) => {
  if (!isWriteOf(request, services)) return undefined;
  const [now, before] = [request.object, request.oldObject].map(
    (each) => (each as unknown as Service | undefined)?.spec.externalIPs ?? [],
  );
  if (now?.every((address) => before?.includes(address)) ?? true) return undefined;
  throw refused(request, "Use of external IPs is denied by admission control.");
};
