/** What a request asks for, in the words of access rules and logs: from its method, its path and its query. */
import { flag } from "./query.ts";
import type { Exchange } from "./respond.ts";
import type { ResourceRoute } from "./routes.ts";

const LONG_SUBRESOURCES = new Set(["attach", "exec", "log", "portforward", "proxy"]);

const VERBS: Readonly<Record<string, string>> = {
  GET: "get",
  HEAD: "get",
  OPTIONS: "get",
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

/** Kubernetes' verb; of a path that is not about objects, the method. */
export function verbOf(exchange: Exchange, route: ResourceRoute | undefined): string {
  const { method } = exchange.request;
  if (route === undefined) return method.toLowerCase();
  const verb = VERBS[method] ?? method.toLowerCase();
  if (route.name !== undefined) return verb;
  if (verb === "delete") return "deletecollection";
  if (verb !== "get") return verb;
  return flag(exchange.query, "watch") ? "watch" : "list";
}

/** Whether the answer goes on for as long as the client likes. */
export function isLongRunning(verb: string, subresource: string | undefined): boolean {
  return verb === "watch" || LONG_SUBRESOURCES.has(subresource ?? "");
}
