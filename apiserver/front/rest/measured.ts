/** How a request is told apart in metrics. */
import type { Measured } from "../../metrics/request-metrics.ts";
import { isLongRunning, verbOf } from "./request-info.ts";
import type { Exchange } from "./respond.ts";
import type { ResourceRoute } from "./routes.ts";

/** Paths that are not about objects: by their first part, of which there is no end, so only these are told apart. */
const PATHS = new Set("api apis healthz livez metrics openapi readyz version".split(" "));
/** HTTP/2 lets a client write any word as its method; those are not told apart either. */
const VERBS = new Set(
  "get list watch create update patch apply delete deletecollection head post put options".split(
    " ",
  ),
);
const APPLY = "application/apply-patch";

export function measuredOf(exchange: Exchange, route: ResourceRoute | undefined): Measured {
  const verb = knownVerb(exchange, route);
  if (route === undefined) {
    const [, head = ""] = exchange.path.split("/", 2);
    const subresource = PATHS.has(head) ? `/${head}` : undefined;
    const none = { resource: undefined, dryRun: false, isLongRunning: false } as const;
    return { verb, subresource, scope: "", ...none };
  }
  const { name, namespace, resource, subresource } = route;
  const isOne = name !== undefined || verb === "create";
  return {
    verb,
    resource,
    subresource,
    scope: isOne ? "resource" : namespace === undefined ? "cluster" : "namespace",
    dryRun: exchange.query.has("dryRun"),
    isLongRunning: isLongRunning(verb, subresource),
  };
}

function knownVerb(exchange: Exchange, route: ResourceRoute | undefined): string {
  const verb = verbOf(exchange, route);
  if (!VERBS.has(verb)) return "other";
  return verb === "patch" && route !== undefined && isApply(exchange) ? "apply" : verb;
}

function isApply({ request }: Exchange): boolean {
  return request.headers["content-type"]?.startsWith(APPLY) === true;
}
