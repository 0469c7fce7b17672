/** Requests about objects: which verb a method means, and its parts as the chain wants them. Translation, no rules. */
import { hasProtobuf } from "#codec";
import type { JsonObject } from "#lib/json";
import type { Logger } from "#lib/logger";
import { StatusError } from "#lib/status-error";
import {
  apiVersionOf,
  isQuestion,
  pods,
  type Resource,
  serviceAccounts,
  services,
} from "#resources";
import { customKindOf } from "../../chain/custom-kind.ts";
import { remove } from "../../chain/delete.ts";
import { removeCollection } from "../../chain/delete-collection.ts";
import type { DeleteOptions } from "../../chain/deletion.ts";
import { applyAny, createAny, getAny, patchAny, updateAny } from "../../chain/dispatch.ts";
import { methodNotAllowed } from "../../chain/failures.ts";
import { jsonOf } from "../../chain/json-of.ts";
import { list } from "../../chain/list.ts";
import { metaOf } from "../../chain/object-meta.ts";
import type { Published } from "../../chain/published.ts";
import type { Call, Steps, User } from "../../chain/steps.ts";
import { watch } from "../../chain/watch.ts";
import type { RequestMetrics } from "../../metrics/request-metrics.ts";
import { Offer } from "./accept.ts";
import { encodeList, encodeObject } from "./encode.ts";
import type { Encoding, IncludeObject } from "./forms.ts";
import { answerLong } from "./long-answer.ts";
import {
  fieldManager,
  fieldValidation,
  flag,
  isDryRun,
  selectionFrom,
  sendInitialEvents,
  text,
  whole,
  wrongOption,
} from "./query.ts";
import { readObject, readOptionalObject } from "./read-body.ts";
import { readPatch } from "./read-patch.ts";
import type { Exchange } from "./respond.ts";
import type { ResourceRoute } from "./routes.ts";
import type { WatchPace } from "./watch-pace.ts";
import { writeWatch } from "./watch-stream.ts";

export interface ResourceRequest {
  readonly exchange: Exchange;
  readonly steps: Steps;
  readonly user: User;
  readonly route: ResourceRoute;
  readonly logger: Logger;
  readonly pace: WatchPace;
  readonly metrics: RequestMetrics;
  /** Aborts when the client leaves, its time is up or the server closes. */
  readonly signal: AbortSignal;
  /** Called when a watch has begun, and has nothing to do but to wait. */
  readonly started: () => void;
}

export async function serveResource(request: ResourceRequest): Promise<void> {
  const { exchange, route } = request;
  const isCollection = route.name === undefined;
  const deprecation = customKindOf(route.resource)?.deprecation;
  if (deprecation !== undefined) {
    exchange.warn(deprecation);
    exchange.audit?.annotate("k8s.io/deprecated", "true");
  }
  switch (exchange.request.method) {
    case "GET":
    case "HEAD":
      return isCollection ? readCollection(request) : getOne(request);
    case "POST":
      return post(request);
    case "PUT":
      if (isCollection) break;
      return put(request);
    case "PATCH":
      if (isCollection) break;
      return patchOne(request);
    case "DELETE":
      return isCollection ? deleteMany(request) : deleteOne(request);
    default:
      break;
  }
  throw methodNotAllowed(route.resource);
}

function callOf(request: ResourceRequest): Call {
  const { exchange, user, route } = request;
  const { resource, namespace, name, subresource } = route;
  return {
    user,
    resource,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
    dryRun: isDryRun(exchange.query),
    fieldValidation: fieldValidation(exchange.query),
    fieldManager: fieldManager(exchange.query, exchange.request.headers["user-agent"]),
    ...exchange.asides,
    abandoned: () => request.signal,
  };
}

function encodingOf(request: ResourceRequest, offer: Offer = offerOf(request.route)): Encoding {
  const { exchange, steps, route } = request;
  const include = exchange.query.get("includeObject");
  const includeObject: IncludeObject =
    include === "None" || include === "Object" ? include : "Metadata";
  return {
    resource: route.resource,
    representation: offer.choose(exchange.request.headers.accept),
    includeObject,
    nowMs: steps.clock.nowMs(),
  };
}

function offerOf({ resource, subresource }: ResourceRoute): Offer {
  // A Scale has no columns of its own; its parent's would show it empty.
  if (subresource !== undefined && subresource !== "status") return Offer.plain;
  // The answer to a question is no object, and has no metadata for a row to show.
  if (isQuestion(resource)) return Offer.plain;
  return hasProtobufForm(resource) ? Offer.object : Offer.textObject;
}

function hasProtobufForm(resource: Resource): boolean {
  return (
    customKindOf(resource) === undefined &&
    hasProtobuf({ apiVersion: apiVersionOf(resource), kind: resource.kind })
  );
}

async function answerObject(
  request: ResourceRequest,
  code: number,
  published: Published,
): Promise<void> {
  const { exchange } = request;
  const isStatus = published.bytes.subarray(0, 16).includes('"Status"');
  if (isStatus) return exchange.document(code, published.json);
  const encoding = encodingOf(request);
  const body = encodeObject(encoding, published);
  const { type } = encoding.representation;
  await exchange.object({ code, type, body });
}

async function getOne(request: ResourceRequest): Promise<void> {
  const call = { ...callOf(request), ...text(request.exchange.query, "resourceVersion") };
  await answerObject(request, 200, await getAny(request.steps, call));
}

async function readCollection(request: ResourceRequest): Promise<void> {
  const { exchange, steps } = request;
  if (flag(exchange.query, "watch")) return watchCollection(request);
  const encoding = encodingOf(request);
  const found = await list(steps, callOf(request), selectionFrom(exchange.query));
  const { type } = encoding.representation;
  await answerLong(request, type, await encodeList(encoding, found));
}

/** Watches end by themselves after half an hour to an hour, so that clients spread over servers anew. */
const WATCH_SECONDS_MIN = 1800;

async function watchCollection(request: ResourceRequest): Promise<void> {
  const { exchange, steps } = request;
  const { query } = exchange;
  const offer = hasProtobufForm(request.route.resource) ? Offer.watch : Offer.textWatch;
  const encoding = encodingOf(request, offer);
  const given = whole(query, "timeoutSeconds") ?? 0;
  const seconds = given > 0 ? given : WATCH_SECONDS_MIN * (1 + steps.random.fraction());
  const timeout = new AbortController();
  const cancel = steps.clock.after(seconds * 1000, () => timeout.abort());
  const signal = AbortSignal.any([request.signal, timeout.signal]);
  try {
    const options = {
      ...text(query, "labelSelector"),
      ...text(query, "fieldSelector"),
      ...text(query, "resourceVersion"),
      allowBookmarks: flag(query, "allowWatchBookmarks"),
      sendInitialEvents: sendInitialEvents(query),
      gathers: true,
      started: request.started,
    };
    const events = await watch(steps, callOf(request), options, signal);
    const { logger, metrics, pace } = request;
    const counter = metrics.watchEvents(request.route.resource);
    const encodingNow = () => ({ ...encoding, nowMs: steps.clock.nowMs() });
    await writeWatch({ exchange, encoding: encodingNow, events, counter, pace, signal, logger });
  } finally {
    cancel();
  }
}

async function post(request: ResourceRequest): Promise<void> {
  const call = callOf(request);
  if (call.name !== undefined && call.subresource === undefined)
    throw methodNotAllowed(call.resource);
  const body = await readObject(request.exchange);
  await answerObject(request, 201, await createAny(request.steps, call, body));
}

async function put(request: ResourceRequest): Promise<void> {
  const body = await readObject(request.exchange);
  await answerObject(request, 200, await updateAny(request.steps, callOf(request), body));
}

async function patchOne(request: ResourceRequest): Promise<void> {
  const { exchange, steps } = request;
  const change = await readPatch(exchange);
  const call = callOf(request);
  if (change.type !== "apply")
    return answerObject(request, 200, await patchAny(steps, call, change));
  // Whoever applies says by which name: the next time it may be with another program.
  const fieldManager = exchange.query.get("fieldManager") ?? "";
  const { published, created } = await applyAny(steps, { ...call, fieldManager }, change);
  await answerObject(request, created ? 201 : 200, published);
}

async function deleteOne(request: ResourceRequest): Promise<void> {
  const call = callOf(request);
  if (call.subresource !== undefined) throw methodNotAllowed(call.resource);
  const options = await deleteOptions(request);
  const { gone, object } = await remove(request.steps, call, options);
  // Of these kinds Kubernetes gives back the object itself, and clients read it.
  const returnsObject = RETURNED.includes(call.resource);
  if (!gone || returnsObject) return answerObject(request, 200, object);
  const { resource, name = "" } = call;
  await request.exchange.document(200, {
    ...SUCCESS,
    details: {
      name,
      ...(resource.group === "" ? {} : { group: resource.group }),
      kind: resource.plural,
      uid: metaOf(object.json).uid ?? "",
    },
  });
}

const RETURNED: readonly Resource[] = [pods, serviceAccounts, services];
const SUCCESS = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" };

async function deleteMany(request: ResourceRequest): Promise<void> {
  const options = await deleteOptions(request);
  const selection = selectionFrom(request.exchange.query);
  await removeCollection(request.steps, callOf(request), selection, options);
  await request.exchange.document(200, SUCCESS);
}

/** From the body, and for what the body does not say from the query. */
async function deleteOptions(request: ResourceRequest): Promise<DeleteOptions> {
  const { query } = request.exchange;
  const body = await readOptionalObject(request.exchange);
  const given: JsonObject = body === undefined ? {} : jsonOf(body);
  const dryRun = isDryRun(query) || (Array.isArray(given["dryRun"]) && given["dryRun"].length > 0);
  const seconds = given["gracePeriodSeconds"] ?? whole(query, "gracePeriodSeconds");
  const policy = given["propagationPolicy"] ?? query.get("propagationPolicy") ?? undefined;
  if (policy && !["Background", "Foreground", "Orphan"].includes(String(policy))) {
    throw new StatusError(
      "Invalid",
      `propagationPolicy: Unsupported value: "${String(policy)}": supported values: "Foreground", "Background", "Orphan"`,
    );
  }
  const isOrphaningGiven =
    typeof given["orphanDependents"] === "boolean" || query.has("orphanDependents");
  if (policy && isOrphaningGiven) {
    const why = "orphanDependents and deletionPropagation cannot be both set";
    const value = JSON.stringify(policy);
    throw wrongOption("DeleteOptions", "propagationPolicy", `Invalid value: ${value}: ${why}`);
  }
  return {
    dryRun,
    ...(typeof seconds === "number" ? { gracePeriodSeconds: seconds } : {}),
    ...(policy ? { propagationPolicy: policy as "Background" } : {}),
    ...(given["orphanDependents"] === true || flag(query, "orphanDependents")
      ? { orphanDependents: true }
      : {}),
    ...(given["preconditions"]
      ? { preconditions: given["preconditions"] as { readonly uid?: string } }
      : {}),
  };
}
