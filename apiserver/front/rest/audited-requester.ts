/** Begins the record of a request as soon as it is known whose it is. */
import { isIP } from "node:net";
import { StatusError } from "#lib/status-error";
import type { Extension } from "../../aggregation/extensions.ts";
import { proxiedRequest } from "../../aggregation/proxied-request.ts";
import type { Auditor } from "../../audit/auditor.ts";
import type { Received } from "../../audit/trail.ts";
import type { User } from "../../chain/steps.ts";
import { isLongRunning, verbOf } from "./request-info.ts";
import type { Requesters } from "./requester.ts";
import type { Exchange } from "./respond.ts";
import type { ResourceRoute } from "./routes.ts";

export interface Asked {
  readonly exchange: Exchange;
  readonly route: ResourceRoute | undefined;
  /** Who else answers it. */
  readonly extension: Pick<Extension, "group" | "version"> | undefined;
}

/** Rules are about who was recognised, not about whom they act as; who was not is recorded as nobody. */
export async function auditedRequester(
  auditor: Auditor,
  requesters: Requesters,
  asked: Asked,
): Promise<User> {
  const { exchange } = asked;
  const begin = (user: User | undefined): void => {
    const id = header(exchange, "audit-id");
    exchange.audit = auditor.begin(receivedOf(asked, user), id);
  };
  let user: User;
  try {
    user = await requesters.authenticated(exchange.request);
  } catch (error) {
    begin(undefined);
    throw error;
  }
  begin(user);
  const acting = await requesters.acting(exchange.request, user);
  if (acting !== user) exchange.audit?.impersonated(acting);
  return acting;
}

function receivedOf(asked: Asked, user: User | undefined): Received {
  const { exchange } = asked;
  const userAgent = header(exchange, "user-agent");
  const { object, verb, version } = forwardedOf(asked) ?? ownOf(asked);
  return {
    requested: { user, verb, path: exchange.path, object },
    uri: exchange.request.url,
    sourceIPs: sourceIPs(exchange),
    isLongRunning: isLongRunning(verb, object?.subresource),
    ...(version === undefined ? {} : { version }),
    ...(userAgent === undefined ? {} : { userAgent }),
  };
}

type About = Pick<Received, "version"> & Pick<Received["requested"], "object" | "verb">;

function ownOf({ exchange, route }: Asked): About {
  const verb = verbOf(exchange, route);
  const object = objectOf(exchange, route);
  return route === undefined ? { verb, object } : { verb, object, version: route.resource.version };
}

/** Undefined when it is no other server's, or cannot be told. */
function forwardedOf({ exchange, extension }: Asked): About | undefined {
  if (extension === undefined) return undefined;
  const { path, query, request } = exchange;
  try {
    const asked = proxiedRequest(path, request.method, query);
    if ("path" in asked) return undefined;
    const { name, namespace, plural, subresource, verb } = asked;
    const { group, version } = extension;
    return { verb, version, object: { group, resource: plural, subresource, namespace, name } };
  } catch (error) {
    // It is refused in a moment, for the same reason.
    if (error instanceof StatusError) return undefined;
    throw error;
  }
}

function objectOf(
  { query }: Exchange,
  route: ResourceRoute | undefined,
): Received["requested"]["object"] {
  if (route === undefined) return undefined;
  const { namespace, resource, subresource } = route;
  // A list or watch of the one object of this name is about that object.
  const selected = /^metadata\.name==?([^,=!]+)$/.exec(query.get("fieldSelector") ?? "")?.[1];
  const name = route.name ?? selected;
  return { group: resource.group, resource: resource.plural, subresource, namespace, name };
}

/** The client's own and those of the proxies between, as far as they say so; the last one is the connection's. */
function sourceIPs(exchange: Exchange): readonly string[] {
  const forwarded = (header(exchange, "x-forwarded-for") ?? "").split(",");
  const { remoteAddress = "" } = exchange.request.socket;
  const all = [...forwarded, header(exchange, "x-real-ip") ?? "", remoteAddress];
  const addresses = all.map((each) => each.trim().replace(/^::ffff:/, ""));
  return [...new Set(addresses)].filter((each) => isIP(each) !== 0);
}

function header(exchange: Exchange, name: string): string | undefined {
  const value = exchange.request.headers[name];
  return Array.isArray(value) ? value.join(",") : value;
}
