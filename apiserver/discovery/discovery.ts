/** The paths that are not about objects: what is served, in which version, and whether all is well. */
import { createHash } from "node:crypto";
import type { JsonObject } from "#lib/json";
import { type ApiServices, inOrder } from "../aggregation/api-services.ts";
import type { ResourceTable } from "../chain/resource-table.ts";
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
  /** Prometheus' text, where something counts. */
  readonly metrics?: () => Promise<string>;
}

export interface VersionInfo {
  readonly major: string;
  readonly minor: string;
  /** A semantic version: clients compare it. */
  readonly gitVersion: string;
  readonly gitCommit: string;
  readonly buildDate: string;
}

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
    if (path === "/metrics" && this.#options.metrics !== undefined) {
      const body = Buffer.from(await this.#options.metrics());
      await exchange.answer({ code: 200, type: "text/plain; version=0.0.4", body });
      return true;
    }
    const version = aggregatedVersion(path, String(exchange.request.headers.accept ?? ""));
    if (version !== undefined) {
      const type = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
      const document = this.#document(`${path} ${version}`, () =>
        aggregated(this.#current(), path === "/api", version),
      );
      await answerDocument(exchange, document, type);
      return true;
    }
    const document = this.#document(path, () => legacy(this.#current(), path));
    if (document === undefined) return false;
    await answerDocument(exchange, document, "application/json");
    return true;
  }

  #document<T extends JsonObject | undefined>(
    key: string,
    make: () => T,
  ): T extends undefined ? undefined : Document;
  #document(key: string, make: () => JsonObject | undefined): Document | undefined {
    const { resources, services } = this.#options;
    const edition = `${resources.generation} ${services.generation}`;
    if (edition !== this.#edition) this.#forget(edition);
    const known = this.#documents.get(key);
    if (known !== undefined) return known;
    const made = make();
    if (made === undefined) return undefined;
    const bytes = Buffer.from(JSON.stringify(made));
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
    const { resources, services } = this.#options;
    const all = resources.all();
    this.#served ??= {
      resources: all,
      groups: inOrder(all, (group, version) => services.priorityOf(group, version)),
    };
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

function aggregatedVersion(path: string, accept: string): "v2" | "v2beta1" | undefined {
  if (path !== "/api" && path !== "/apis") return undefined;
  const asked = accept
    .split(",")
    .find((clause) => clause.includes("g=apidiscovery.k8s.io") && clause.includes("as=APIGroup"));
  if (asked === undefined) return undefined;
  if (/;\s*v=v2(;|$)/.test(asked.trim())) return "v2";
  return /;\s*v=v2beta1(;|$)/.test(asked.trim()) ? "v2beta1" : undefined;
}

function legacy(served: Served, path: string): JsonObject | undefined {
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
  await exchange.answer({ code: 200, type, body: document.bytes, headers });
}
