/** An Event of audit.k8s.io/v1 as one line of JSON. */
import type { JsonObject } from "#lib/json";
import type { User } from "../chain/steps.ts";
import type { Level, Stage } from "./policy.ts";

export interface ObjectReference {
  readonly resource: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly apiGroup?: string;
  readonly apiVersion?: string;
  readonly resourceVersion?: string;
  readonly subresource?: string;
}

export interface AuditEvent {
  readonly level: Level;
  readonly auditID: string;
  readonly stage: Stage;
  readonly requestURI: string;
  readonly verb: string;
  readonly user: User | undefined;
  readonly impersonatedUser: User | undefined;
  readonly sourceIPs: readonly string[];
  readonly userAgent: string | undefined;
  readonly objectRef: ObjectReference | undefined;
  readonly responseStatus: JsonObject | undefined;
  /** JSON on one line. */
  readonly requestObject: string | undefined;
  readonly responseObject: string | undefined;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Without the line's end. Fields in Kubernetes' order; what is absent is left out. */
export function lineOf(event: AuditEvent): string {
  const { annotations, requestObject, responseObject } = event;
  const head = JSON.stringify({
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: event.level,
    auditID: event.auditID,
    stage: event.stage,
    requestURI: event.requestURI,
    verb: event.verb,
    user: userInfo(event.user),
    impersonatedUser: event.impersonatedUser && userInfo(event.impersonatedUser),
    sourceIPs: event.sourceIPs.length === 0 ? undefined : event.sourceIPs,
    userAgent: event.userAgent,
    objectRef: event.objectRef,
    responseStatus: event.responseStatus,
  });
  const tail = JSON.stringify({
    requestReceivedTimestamp: event.requestReceivedTimestamp,
    stageTimestamp: event.stageTimestamp,
    annotations: Object.keys(annotations).length === 0 ? undefined : annotations,
  });
  return [
    head.slice(0, -1),
    ...(requestObject === undefined ? [] : [`"requestObject":${requestObject}`]),
    ...(responseObject === undefined ? [] : [`"responseObject":${responseObject}`]),
    tail.slice(1),
  ].join(",");
}

/** Kubernetes' UserInfo. */
function userInfo(user: User | undefined): JsonObject {
  if (user === undefined) return {};
  const { extra, groups, name, uid } = user;
  return {
    username: name,
    ...(uid === undefined ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(extra === undefined || Object.keys(extra).length === 0 ? {} : { extra }),
  };
}
