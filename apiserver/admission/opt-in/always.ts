import type { Validator } from "../plugin.ts";
import { refused } from "../refusal.ts";

/** AlwaysAdmit: agrees, which the others' silence says as well; Kubernetes has kept the name. */
export const alwaysAdmit: Validator = () => undefined;

/** The server's own hand: without what it makes at the start there would be no server to refuse anything. */
const OWN = "system:apiserver";

/** AlwaysDeny: for trying what clients do with a server that takes nothing. */
export const alwaysDeny: Validator = (request) => {
  if (request.user.name === OWN) return undefined;
  throw refused(request, "admission control is denying all modifications");
};
