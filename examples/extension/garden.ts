/**
 * An extension API server in one file and without libraries: the kind Plant of garden.example.com/v1, kept in memory. The
 * cluster's API server sends it what is below /apis/garden.example.com/v1, and says who asks; see garden.yaml.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, request, type Server } from "node:https";
import type { TLSSocket } from "node:tls";

export interface User {
  readonly name: string;
  readonly groups: readonly string[];
}

export interface GardenOptions {
  readonly port: number;
  readonly host?: string;
  /** PEM, for the name of its service: `garden.NAMESPACE.svc`. */
  readonly certificate: string;
  readonly key: string;
  /** Whom to believe about users: `requestheader-client-ca-file` and `requestheader-allowed-names`. */
  readonly frontProxy: { readonly authority: string; readonly allowedNames: readonly string[] };
  /** Asks the cluster whether a user may do something. Left out: everybody who got as far as here may. */
  readonly isAllowed?: (user: User, verb: string, target: Target) => Promise<boolean>;
  /** Hears of every request. */
  readonly heard?: (request: IncomingMessage, user: User | undefined) => void;
}

export interface Target {
  readonly namespace?: string;
  readonly name?: string;
}

interface Plant {
  readonly apiVersion: string;
  readonly kind: "Plant";
  readonly metadata: Readonly<Record<string, unknown>> & {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec?: Readonly<Record<string, unknown>>;
}

type Json = Readonly<Record<string, unknown>>;

export const GROUP = "garden.example.com";
const VERSION = `${GROUP}/v1`;
const BASE = `/apis/${VERSION}`;
const VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const KINDS = {
  kind: "APIResourceList",
  apiVersion: "v1",
  groupVersion: VERSION,
  resources: [
    {
      name: "plants",
      singularName: "plant",
      shortNames: ["pl"],
      namespaced: true,
      kind: "Plant",
      verbs: VERBS,
    },
  ],
};
const GROUP_VERSION_KIND = { group: GROUP, version: "v1", kind: "Plant" };
const DESCRIPTION = {
  openapi: "3.0.0",
  info: { title: "Garden", version: "v1" },
  paths: {
    [`${BASE}/namespaces/{namespace}/plants`]: {
      get: {
        responses: { 200: { description: "OK" } },
        "x-kubernetes-action": "list",
        "x-kubernetes-group-version-kind": GROUP_VERSION_KIND,
      },
    },
  },
  components: {
    schemas: {
      "com.example.garden.v1.Plant": {
        description: "Something that grows.",
        type: "object",
        properties: {
          apiVersion: { type: "string" },
          kind: { type: "string" },
          metadata: { type: "object" },
          spec: {
            type: "object",
            description: "What it should be.",
            properties: { color: { type: "string", description: "Of its flowers." } },
          },
        },
        "x-kubernetes-group-version-kind": [GROUP_VERSION_KIND],
      },
    },
  },
};

const DOCUMENTS: Readonly<Record<string, object>> = {
  [BASE]: KINDS,
  [`/openapi/v3${BASE}`]: DESCRIPTION,
  "/openapi/v3": {
    paths: { [BASE.slice(1)]: { serverRelativeURL: `/openapi/v3${BASE}?hash=1` } },
  },
};

class Failure extends Error {
  readonly code: number;
  readonly reason: string;

  constructor(code: number, reason: string, message: string) {
    super(message);
    this.code = code;
    this.reason = reason;
  }
}

class Garden {
  readonly #plants = new Map<string, Plant>();
  readonly #watches = new Set<{ readonly response: ServerResponse; readonly target: Target }>();
  #revision = 1;

  list({ namespace }: Target): Json {
    const items = [...this.#plants.values()].filter((each) => isIn(each, namespace));
    const metadata = { resourceVersion: String(this.#revision) };
    return { apiVersion: VERSION, kind: "PlantList", metadata, items };
  }

  get(target: Target): Plant {
    const plant = this.#plants.get(keyOf(target));
    if (plant !== undefined) return plant;
    throw new Failure(404, "NotFound", `plants.${GROUP} "${target.name}" not found`);
  }

  create({ namespace = "" }: Target, given: Json): Plant {
    const { name, generateName, ...metadata } = metadataOf(given);
    const chosen = String(name ?? `${generateName}${randomUUID().slice(0, 5)}`);
    if (this.#plants.has(keyOf({ namespace, name: chosen })))
      throw new Failure(409, "AlreadyExists", `plants.${GROUP} "${chosen}" already exists`);
    const uid = randomUUID();
    const creationTimestamp = new Date().toISOString().replace(/\.\d+/, "");
    const full = { ...metadata, name: chosen, namespace, uid, creationTimestamp };
    return this.#put("ADDED", { ...given, metadata: full });
  }

  update(target: Target, given: Json): Plant {
    const before = this.get(target);
    return this.#put("MODIFIED", {
      ...given,
      metadata: { ...metadataOf(given), ...identity(before) },
    });
  }

  patch(target: Target, patch: Json): Plant {
    return this.update(target, merged(this.get(target), patch) as Json);
  }

  delete(target: Target): Plant {
    const plant = this.get(target);
    this.#plants.delete(keyOf(target));
    this.#revision++;
    this.#tell("DELETED", plant);
    return plant;
  }

  deleteAll({ namespace }: Target): void {
    for (const plant of [...this.#plants.values()].filter((each) => isIn(each, namespace)))
      this.delete(plant.metadata);
  }

  watch(target: Target, response: ServerResponse): void {
    const watch = { response, target };
    this.#watches.add(watch);
    response.on("close", () => this.#watches.delete(watch));
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
  }

  #put(type: "ADDED" | "MODIFIED", given: Json): Plant {
    const metadata = { ...metadataOf(given), resourceVersion: String(++this.#revision) };
    const plant = { ...given, apiVersion: VERSION, kind: "Plant", metadata } as unknown as Plant;
    this.#plants.set(keyOf(plant.metadata), plant);
    this.#tell(type, plant);
    return plant;
  }

  #tell(type: string, object: Plant): void {
    for (const { response, target } of this.#watches)
      if (isIn(object, target.namespace)) response.write(`${JSON.stringify({ type, object })}\n`);
  }
}

function isIn({ metadata }: Plant, namespace: string | undefined): boolean {
  return namespace === undefined || metadata.namespace === namespace;
}

function keyOf({ name, namespace }: Target): string {
  return `${namespace}/${name}`;
}

function metadataOf(object: Json): Json {
  return (object["metadata"] ?? {}) as Json;
}

function identity({ metadata }: Plant): Json {
  const { creationTimestamp, name, namespace, uid } = metadata;
  return { creationTimestamp, name, namespace, uid };
}

/** RFC 7396. */
function merged(value: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const base = (typeof value === "object" && value !== null ? value : {}) as Json;
  const all = Object.entries({ ...base, ...patch }).filter(
    ([key]) => (patch as Json)[key] !== null,
  );
  return Object.fromEntries(
    all.map(([key, each]) => [key, key in patch ? merged(base[key], (patch as Json)[key]) : each]),
  );
}

/** Only the front proxy may say who asks; and only its certificate shows that it is the front proxy. */
function userOf(
  incoming: IncomingMessage,
  { allowedNames }: GardenOptions["frontProxy"],
): User | undefined {
  const socket = incoming.socket as TLSSocket;
  const proxy = socket.authorized ? socket.getPeerCertificate().subject?.CN : undefined;
  if (typeof proxy !== "string") return undefined;
  if (allowedNames.length > 0 && !allowedNames.includes(proxy)) return undefined;
  const { headersDistinct } = incoming;
  const [name] = headersDistinct["x-remote-user"] ?? [];
  return name === undefined ? undefined : { name, groups: headersDistinct["x-remote-group"] ?? [] };
}

export function startGarden(options: GardenOptions): Promise<Server> {
  const garden = new Garden();
  const server = createServer(
    {
      cert: options.certificate,
      key: options.key,
      ca: options.frontProxy.authority,
      requestCert: true,
      // Whoever has none is told so, below.
      rejectUnauthorized: false,
    },
    (incoming, response) => {
      serve(garden, options, incoming, response).catch((error: unknown) => {
        const { code = 500, reason = "InternalError", message } = error as Failure;
        const status = {
          kind: "Status",
          apiVersion: "v1",
          status: "Failure",
          code,
          reason,
          message,
        };
        answer(response, code, status);
      });
    },
  );
  return new Promise((resolve) => {
    server.listen(options.port, options.host ?? "0.0.0.0", () => resolve(server));
  });
}

async function serve(
  garden: Garden,
  options: GardenOptions,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const user = userOf(incoming, options.frontProxy);
  options.heard?.(incoming, user);
  if (user === undefined) throw new Failure(401, "Unauthorized", "only the front proxy may ask");
  const { pathname, searchParams } = new URL(incoming.url ?? "/", "https://garden");
  const document = DOCUMENTS[pathname];
  if (document !== undefined) {
    answer(response, 200, document);
    return;
  }
  const target = targetOf(pathname);
  const isWatch = searchParams.get("watch") === "true";
  const verb = verbOf(incoming.method ?? "GET", target.name === undefined, isWatch);
  if (options.isAllowed !== undefined && !(await options.isAllowed(user, verb, target)))
    throw new Failure(403, "Forbidden", `user "${user.name}" may not ${verb} plants`);
  const body = ["create", "patch", "update"].includes(verb) ? await bodyOf(incoming) : {};
  if (verb === "watch") garden.watch(target, response);
  else answer(response, ...tend(garden, verb, target, body));
}

function targetOf(path: string): Target {
  const found = /^(?:\/namespaces\/([^/]+))?\/plants(?:\/([^/]+))?$/.exec(path.slice(BASE.length));
  if (!path.startsWith(`${BASE}/`) || found === null)
    throw new Failure(404, "NotFound", "the server could not find the requested resource");
  const [, namespace, name] = found;
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name: decodeURIComponent(name) }),
  };
}

function verbOf(method: string, isCollection: boolean, isWatch: boolean): string {
  if (method === "DELETE") return isCollection ? "deletecollection" : "delete";
  if (method === "GET") return isWatch ? "watch" : isCollection ? "list" : "get";
  return { POST: "create", PUT: "update", PATCH: "patch" }[method] ?? "none";
}

/** The answer's code and body. */
function tend(garden: Garden, verb: string, target: Target, body: Json): [number, object] {
  switch (verb) {
    case "list":
      return [200, garden.list(target)];
    case "get":
      return [200, garden.get(target)];
    case "create":
      return [201, garden.create(target, body)];
    case "update":
      return [200, garden.update(target, body)];
    case "patch":
      return [200, garden.patch(target, body)];
    case "delete":
      garden.delete(target);
      return [200, SUCCESS];
    case "deletecollection":
      garden.deleteAll(target);
      return [200, SUCCESS];
    default:
      throw new Failure(405, "MethodNotAllowed", "the method is not supported");
  }
}

const SUCCESS = { kind: "Status", apiVersion: "v1", status: "Success" };

function answer(response: ServerResponse, code: number, object: object): void {
  response.writeHead(code, { "content-type": "application/json" });
  response.end(JSON.stringify(object));
}

async function bodyOf(incoming: IncomingMessage): Promise<Json> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8")) as Json;
  } catch (error) {
    throw new Failure(400, "BadRequest", `the body is no JSON: ${(error as Error).message}`);
  }
}

/** In a pod: asks the API server with the account's token. */
function ask(method: string, path: string, body?: object): Promise<Json> {
  const here = "/var/run/secrets/kubernetes.io/serviceaccount/";
  const read = (file: string): string => readFileSync(here + file, "utf8");
  const headers = { authorization: `Bearer ${read("token")}`, "content-type": "application/json" };
  const url = `https://kubernetes.default.svc${path}`;
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, ca: read("ca.crt") }, (response) => {
      bodyOf(response).then((json) => {
        if ((response.statusCode ?? 500) < 300) resolve(json);
        else reject(new Error(`${method} ${path}: ${String(json["message"])}`));
      }, reject);
    });
    sent.once("error", reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function isAllowed(user: User, verb: string, target: Target): Promise<boolean> {
  const resourceAttributes = { group: GROUP, version: "v1", resource: "plants", verb, ...target };
  const review = await ask("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SubjectAccessReview",
    spec: { user: user.name, groups: user.groups, resourceAttributes },
  });
  return (review["status"] as { readonly allowed: boolean }).allowed;
}

if (import.meta.main) {
  const map = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication";
  const data = (await ask("GET", map))["data"] as Readonly<Record<string, string>>;
  await startGarden({
    port: 8443,
    certificate: readFileSync("/certificate/tls.crt", "utf8"),
    key: readFileSync("/certificate/tls.key", "utf8"),
    frontProxy: {
      authority: data["requestheader-client-ca-file"] ?? "",
      allowedNames: JSON.parse(data["requestheader-allowed-names"] ?? "[]") as string[],
    },
    isAllowed,
  });
}
