/** The paths that are not about objects: what is served, in which version, and whether all is well. */
import { createHash } from "node:crypto";
import type { JsonObject } from "#lib/json";
import type { Resource } from "#resources";
import { type ApiServices, type GroupVersion, inOrder } from "../aggregation/api-services.ts";
import type { Extension, Extensions } from "../aggregation/extensions.ts";
import type { ResourceTable } from "../chain/resource-table.ts";
import { acceptClauses, Offer } from "../front/rest/accept.ts";
import { documentBytes } from "../front/rest/encode.ts";
import { JSON_TYPE, MEDIA_TYPES, type MediaType } from "../front/rest/media-type.ts";
import type { Exchange } from "../front/rest/respond.ts";
import type { Health } from "../health/health.ts";
import {
  aggregated,
  coreVersions,
  groupList,
  groupOnly,
  resourceList,
  type Served,
} from "./documents.ts";
import type { OpenApi } from "./openapi.ts";

export interface DiscoveryOptions {
  readonly version: VersionInfo;
  readonly health: Health;
  readonly openApi: OpenApi;
  /** Others, by path. */
  readonly documents: (
    path: string,
  ) => { readonly type: string; readonly body: Buffer } | undefined;
  readonly resources: ResourceTable;
  /** Say in which order. */
  readonly services: ApiServices;
  /** What others serve. */
  readonly extensions: Extensions;
  /** Prometheus' text. */
  readonly metrics: () => string;
}

export interface VersionInfo {
  readonly major: string;
  readonly minor: string;
  /** A semantic version: clients compare it. */
  readonly gitVersion: string;
  readonly gitCommit: string;
  readonly buildDate: string;
}

/** Prometheus' text format. */
const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

interface Document {
  readonly bytes: Buffer;
  readonly etag: string;
}

export class Discovery {
  readonly #options: DiscoveryOptions;
  /** Made when first asked for, and good until kinds come or go. */
  #documents = new Map<string, Document>();
  #edition = "";
  #served: Served | undefined;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
  }

  /** Version and health. True when it answered. */
  async #serveState(exchange: Exchange): Promise<boolean> {
    const { path } = exchange;
    if (path === "/version" || path === "/version/") {
      await exchange.json(200, this.#version());
      return true;
    }
    return this.#options.health.serve(exchange);
  }

  /** True when it answered. */
  async serve(exchange: Exchange): Promise<boolean> {
    const { path } = exchange;
    if (await this.#serveState(exchange)) return true;
    const other = this.#options.documents(path);
    if (other !== undefined) {
      await exchange.answer({ code: 200, ...other });
      return true;
    }
    if (path.startsWith("/openapi/")) return this.#options.openApi.serve(exchange);
    if (path === "/metrics") {
      const body = Buffer.from(this.#options.metrics());
      await exchange.answer({ code: 200, type: METRICS_TYPE, body });
      return true;
    }
    const accept = exchange.request.headers.accept ?? "";
    const form = aggregatedForm(path, accept);
    if (form !== undefined) {
      const { type, version } = form;
      const document = this.#document(`${path} ${version} ${type}`, type, () =>
        aggregated(this.#current(), path === "/api", version),
      );
      const shown = `${type};g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
      await answerDocument(exchange, document, shown);
      return true;
    }
    const make = () => legacy(this.#current(), path);
    const json = this.#document(path, JSON_TYPE, make);
    if (json === undefined) return false;
    // The list of paths is of no kind.
    const type = path === "/" ? JSON_TYPE : Offer.plain.choose(accept).type;
    const document = type === JSON_TYPE ? json : this.#document(`${path} ${type}`, type, make);
    await answerDocument(exchange, document ?? json, type);
    return true;
  }

  #document<T extends JsonObject | undefined>(
    key: string,
    type: MediaType,
    make: () => T,
  ): T extends undefined ? undefined : Document;
  #document(
    key: string,
    type: MediaType,
    make: () => JsonObject | undefined,
  ): Document | undefined {
    const { extensions, resources, services } = this.#options;
    const edition = `${resources.generation} ${services.generation} ${extensions.generation}`;
    if (edition !== this.#edition) this.#forget(edition);
    const known = this.#documents.get(key);
    if (known !== undefined) return known;
    const made = make();
    if (made === undefined) return undefined;
    const bytes = documentBytes(type, made);
    const etag = `"${createHash("sha256").update(bytes).digest("hex").toUpperCase()}"`;
    const document = { bytes, etag };
    this.#documents.set(key, document);
    return document;
  }

  #forget(edition: string): void {
    this.#edition = edition;
    this.#documents = new Map();
    this.#served = undefined;
  }

  #current(): Served {
    const { extensions, resources, services } = this.#options;
    this.#served ??= servedBy(resources.all(), extensions.all(), services);
    return this.#served;
  }

  #version(): JsonObject {
    return {
      ...this.#options.version,
      gitTreeState: "clean",
      goVersion: "",
      compiler: "none",
      platform: `linux/${process.arch === "x64" ? "amd64" : process.arch}`,
    };
  }
}

/** A group version that somebody else serves is theirs alone. */
function servedBy(
  local: readonly Resource[],
  extensions: readonly Extension[],
  services: ApiServices,
): Served {
  const theirs = new Set(extensions.map(nameOf));
  const own = local.filter((resource) => !theirs.has(nameOf(resource)));
  const stale = extensions.filter(({ isAvailable }) => !isAvailable);
  return {
    resources: [...own, ...extensions.flatMap(({ kinds }) => kinds)],
    groups: inOrder([...own, ...extensions], (group, version) =>
      services.priorityOf(group, version),
    ),
    stale: new Set(stale.map(nameOf)),
  };
}

function nameOf({ group, version }: GroupVersion): string {
  return `${group}/${version}`;
}

interface AggregatedForm {
  readonly type: MediaType;
  readonly version: "v2" | "v2beta1";
}

/** Undefined when the client wants the older documents, or these are others. */
function aggregatedForm(path: string, accept: string): AggregatedForm | undefined {
  if (path !== "/api" && path !== "/apis") return undefined;
  for (const { matches, parameters } of acceptClauses(accept)) {
    const version = parameters.get("v");
    if (parameters.get("as") !== "APIGroupDiscoveryList") continue;
    if (parameters.get("g") !== "apidiscovery.k8s.io") continue;
    const type = MEDIA_TYPES.find(matches);
    if (type !== undefined && (version === "v2" || version === "v2beta1")) return { type, version };
  }
  return undefined;
}

function legacy(served: Served, path: string): JsonObject | undefined {
  // Each path has its document remembered, so none must have names without end.
  if (path.includes("//")) return undefined;
  const parts = path.split("/").filter((part) => part !== "");
  const [root, group, version] = parts;
  const { resources } = served;
  if (root === undefined) return rootPaths(served);
  if (root === "api" && parts.length === 1) return coreVersions();
  if (root === "api" && parts.length === 2) return resourceList(resources, "", group ?? "");
  if (root !== "apis") return undefined;
  if (parts.length === 1) return groupList(served);
  if (parts.length === 2) return groupOnly(served, group ?? "");
  return parts.length === 3 ? resourceList(resources, group ?? "", version ?? "") : undefined;
}

function rootPaths({ groups }: Served): JsonObject {
  const versions = [...groups]
    .filter(([group]) => group !== "")
    .flatMap(([group, all]) => [`/apis/${group}`, ...all.map((v) => `/apis/${group}/${v}`)]);
  return {
    paths: [
      "/api",
      "/api/v1",
      "/apis",
      ...versions,
      "/healthz",
      "/livez",
      "/metrics",
      "/openapi/v2",
      "/openapi/v3",
      "/readyz",
      "/version",
    ],
  };
}

/** Clients keep discovery for hours and ask with the tag whether it still holds. */
async function answerDocument(exchange: Exchange, document: Document, type: string): Promise<void> {
  const headers = { etag: document.etag, vary: "Accept" };
  if (exchange.request.headers["if-none-match"] === document.etag) {
    await exchange.answer({ code: 304, type, body: Buffer.alloc(0), headers });
    return;
  }
  await exchange.object({ code: 200, type, body: document.bytes, headers });
}
