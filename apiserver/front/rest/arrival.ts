/** What a request asks for, before its work begins: enough to class it. */
import { StatusError } from "#lib/status-error";
import type { Extension } from "../../aggregation/extensions.ts";
import { proxiedRequest } from "../../aggregation/proxied-request.ts";
import type { Arrival } from "../../fairness/flow-control.ts";
import { type Listing, selectsOne } from "../../fairness/width.ts";
import { flag } from "./query.ts";
import { verbOf } from "./request-info.ts";
import type { Exchange } from "./respond.ts";
import type { ResourceRoute } from "./routes.ts";

export type Asked = Omit<Arrival, "user">;

export function askedOf(
  exchange: Exchange,
  route: ResourceRoute | undefined,
  extension: Extension | undefined,
): Asked {
  if (extension !== undefined) return forwardedOf(exchange, extension);
  const { path } = exchange;
  const verb = verbOf(exchange, route);
  if (route === undefined) return { verb, path };
  const { namespace, resource, subresource } = route;
  const list = listingOf(verb, route, exchange.query);
  return {
    verb,
    path,
    resource,
    ...(subresource === undefined ? {} : { subresource }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(list === undefined ? {} : { list }),
  };
}

/** What reads a whole collection, to answer with it or to delete it. */
function listingOf(
  verb: string,
  { resource }: ResourceRoute,
  query: URLSearchParams,
): Listing | undefined {
  const lists =
    verb === "list" ||
    verb === "deletecollection" ||
    (verb === "watch" && flag(query, "sendInitialEvents"));
  if (!lists) return undefined;
  const isOfOne = selectsOne(query.get("fieldSelector") ?? "");
  const limit = Number(query.get("limit"));
  return { resource, isOfOne, ...(limit > 0 ? { limit } : {}) };
}

/** What it costs the other server is that one's affair. */
function forwardedOf({ path, query, request }: Exchange, { group }: Extension): Asked {
  const { method } = request;
  try {
    const { verb, ...about } = proxiedRequest(path, method, query);
    if ("path" in about) return { verb, path };
    const { namespace, plural, subresource } = about;
    return {
      verb,
      path,
      resource: { group, plural },
      ...(subresource === undefined ? {} : { subresource }),
      ...(namespace === undefined ? {} : { namespace }),
    };
  } catch (error) {
    // It is refused in a moment, for the same reason.
    if (error instanceof StatusError) return { verb: method.toLowerCase(), path };
    throw error;
  }
}
