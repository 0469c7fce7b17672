/** What the expressions of webhooks and policies may name. */
import type { Declarations } from "./environment.ts";
import { AUTHORIZER } from "./functions/authorization.ts";

export const REQUEST_VARIABLES = {
  object: "dyn",
  oldObject: "dyn",
  request: "dyn",
  authorizer: AUTHORIZER,
};

/** A webhook's match conditions. */
export const conditionDeclarations: Declarations = { variables: REQUEST_VARIABLES };
