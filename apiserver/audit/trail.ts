/** What is recorded of one request, from its arrival to its end. */
import type { JsonObject, JsonValue } from "#lib/json";
import type { Resource } from "#resources";
import type { Published } from "../chain/published.ts";
import type { Body, CallAudit, PublishedList, User } from "../chain/steps.ts";
import { lineOf, type ObjectReference } from "./event.ts";
import { type Answered, answerText, namedBy, parsedBody, requestText } from "./objects.ts";
import { type Decision, LEVELS, type Level, type Requested, type Stage } from "./policy.ts";

export interface Received {
  readonly requested: Requested;
  /** The object's version, as `v1`. */
  readonly version?: string;
  /** With its query. */
  readonly uri: string;
  /** From the client on; empty for programs inside the server. */
  readonly sourceIPs: readonly string[];
  readonly userAgent?: string;
  /** Its answer goes on for as long as somebody wants it. */
  readonly isLongRunning: boolean;
}

export interface TrailOptions {
  readonly id: string;
  readonly received: Received;
  readonly decision: Decision;
  /** Kubernetes' MicroTime. */
  readonly now: () => string;
  /** Resolves when the line is as safe as it will be; undefined when nobody needs to wait. */
  readonly record: (line: string) => Promise<void> | undefined;
  readonly over: (trail: Trail) => void;
}

/** An event that is longer helps nobody, and one line of it must fit into memory several times. */
const OBJECT_BYTES_MAX = 10 * 1024 * 1024;
const USER_AGENT_LENGTH_MAX = 1024;

export class Trail implements CallAudit {
  readonly id: string;
  readonly #options: TrailOptions;
  readonly #receivedAt: string;
  readonly #annotations: Record<string, string> = {};
  #impersonated: User | undefined;
  #request: Body | JsonValue | undefined;
  #answered: Answered | undefined;
  #status: JsonObject | undefined;
  #isBug = false;
  #isStarted = false;
  #isOver = false;

  constructor(options: TrailOptions) {
    this.#options = options;
    this.id = options.id;
    this.#receivedAt = options.now();
    void this.#write("RequestReceived");
  }

  /** The first value of a key stays. */
  readonly annotate = (key: string, value: string, least: Level = "Metadata"): void => {
    if (this.#records(least)) this.#annotations[key] ??= value;
  };

  impersonated(user: User): void {
    this.#impersonated = user;
  }

  request(body: Body | JsonValue): void {
    this.#request = body;
  }

  response(object: Published): void {
    this.#answered = { object };
  }

  responseList(resource: Resource, list: PublishedList): void {
    this.#answered = { resource, list };
  }

  /** The answer begins, and goes on for a while; only what may go on for ever has an event of that. */
  started(code: number): void {
    if (this.#isStarted || this.#isOver) return;
    this.#isStarted = true;
    this.#status = { metadata: {}, code };
    if (this.#options.received.isLongRunning) void this.#write("ResponseStarted");
  }

  /** `status`: a metav1.Status. A bug of ours is its own stage. */
  failed(status: JsonObject, isBug: boolean): void {
    const { apiVersion: _, kind: __, ...rest } = status;
    this.#status = rest;
    this.#isBug = isBug;
  }

  /** Nothing more happens. Resolves when everything that was recorded is safe. */
  async completed(code: number): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#status ??= { metadata: {}, code };
    const waiting = this.#write(this.#isBug ? "Panic" : "ResponseComplete");
    this.#options.over(this);
    await waiting;
  }

  /** For a request that nobody has completed: its client has left. */
  async end(): Promise<void> {
    this.#status ??= {
      metadata: {},
      status: "Success",
      message: "Connection closed early",
      code: 200,
    };
    await this.completed(200);
  }

  #records(least: Level): boolean {
    return LEVELS.indexOf(this.#options.decision.level) >= LEVELS.indexOf(least);
  }

  #write(stage: Stage): Promise<void> | undefined {
    const { decision, now, received, record } = this.#options;
    if (decision.omitStages.has(stage)) return undefined;
    const { uri, sourceIPs, userAgent } = received;
    const { user, verb } = received.requested;
    const isEnd = stage === "ResponseComplete" || stage === "Panic";
    const request = isEnd ? this.#requestValue() : undefined;
    const line = lineOf({
      level: decision.level,
      auditID: this.id,
      stage,
      requestURI: uri,
      verb,
      user,
      impersonatedUser: this.#impersonated,
      sourceIPs,
      userAgent: userAgent && shortened(userAgent),
      objectRef: this.#objectRef(request),
      responseStatus: this.#status,
      requestObject: isEnd ? this.#requestObject(request) : undefined,
      responseObject: isEnd ? this.#responseObject() : undefined,
      requestReceivedTimestamp: this.#receivedAt,
      stageTimestamp: stage === "RequestReceived" ? this.#receivedAt : now(),
      annotations: this.#annotations,
    });
    return record(line);
  }

  /** Parsed only where the level wants it, or where it is parsed already. */
  #requestValue(): JsonValue | undefined {
    if (this.#request === undefined) return undefined;
    const isParsed = !(this.#request instanceof Uint8Array);
    return isParsed || this.#records("Request") ? parsedBody(this.#request) : undefined;
  }

  #requestObject(value: JsonValue | undefined): string | undefined {
    if (value === undefined || !this.#records("Request")) return undefined;
    return requestText(value, this.#options.decision.omitManagedFields);
  }

  #responseObject(): string | undefined {
    if (!this.#records("RequestResponse")) return undefined;
    if (this.#answered === undefined) return undefined;
    const { omitManagedFields } = this.#options.decision;
    const text = answerText(this.#answered, omitManagedFields, OBJECT_BYTES_MAX);
    // Kubernetes' mark of an event that lacks its objects.
    if (text === undefined) this.annotate("audit.k8s.io/truncated", "true");
    return text;
  }

  #objectRef(request: JsonValue | undefined): ObjectReference | undefined {
    const { requested, version } = this.#options.received;
    if (requested.object === undefined) return undefined;
    const { group, resource, subresource } = requested.object;
    const given = namedBy(request);
    const namespace = requested.object.namespace ?? given.namespace;
    const name = requested.object.name ?? given.name ?? this.#answeredName();
    return {
      resource,
      ...(namespace === undefined ? {} : { namespace }),
      ...(name === undefined ? {} : { name }),
      ...(given.uid === undefined ? {} : { uid: given.uid }),
      ...(group === "" ? {} : { apiGroup: group }),
      ...(version === undefined ? {} : { apiVersion: version }),
      ...(given.resourceVersion === undefined ? {} : { resourceVersion: given.resourceVersion }),
      ...(subresource === undefined ? {} : { subresource }),
    };
  }

  /** Of what was made: its key in the store ends with its name. */
  #answeredName(): string | undefined {
    if (this.#answered === undefined || !("object" in this.#answered)) return undefined;
    return this.#answered.object.key.split("/").at(-1) || undefined;
  }
}

/** As Kubernetes cuts it. */
function shortened(userAgent: string): string {
  if (userAgent.length <= USER_AGENT_LENGTH_MAX) return userAgent;
  return `${userAgent.slice(0, USER_AGENT_LENGTH_MAX)}...TRUNCATED`;
}
