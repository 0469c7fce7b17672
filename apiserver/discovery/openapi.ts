/** `/openapi/v2` and `/openapi/v3`: the description of the API, as `kubectl explain` and validation read it. */
import { createHash } from "node:crypto";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import { RESOURCES, type Resource } from "#resources";
import { customKindOf } from "../chain/custom-kind.ts";
import type { ResourceTable } from "../chain/resource-table.ts";
import type { Exchange } from "../front/rest/respond.ts";

/** Makes the documents, when first asked for: they are large, and many clusters never show them. */
export interface OpenApiDocuments {
  /** `api/v1`, `apis/apps/v1`. */
  readonly paths: readonly string[];
  v3(path: string): Promise<Buffer>;
  v2Json(): Promise<Buffer>;
  v2Protobuf(): Promise<Buffer>;
}

/** What clients ask for. Go's own parser of media types refuses the @, so the answer is named without it. */
const V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
const V2_PROTOBUF_ANSWER = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
/** Paths of the groups that have built-in kinds. */
const BUILT_IN = new Set(
  RESOURCES.map(({ group, version }) =>
    group === "" ? `api/${version}` : `apis/${group}/${version}`,
  ),
);
const YEAR_SECONDS = 365 * 24 * 3600;

interface Versioned {
  readonly bytes: Buffer;
  readonly hash: string;
}

/** A custom kind's row, and its schema where its definition has one. */
export interface CustomSchema {
  readonly resource: Resource;
  readonly schema: JsonObject | undefined;
}

export type OpenApiSource = (custom: readonly CustomSchema[]) => OpenApiDocuments;

export class OpenApi {
  readonly #source: OpenApiSource;
  readonly #resources: ResourceTable;
  #documents: OpenApiDocuments;
  /** Made when first asked for, and good until kinds come or go. */
  #made = new Map<string, Promise<Versioned>>();
  #generation = -1;

  constructor(source: OpenApiSource, resources: ResourceTable) {
    this.#source = source;
    this.#resources = resources;
    this.#documents = source([]);
  }

  /** Documents of groups without custom kinds stay as they are: they are large. */
  #renew(): void {
    const { generation } = this.#resources;
    if (generation === this.#generation) return;
    this.#generation = generation;
    const custom = this.#resources.all().flatMap((resource) => {
      const kind = customKindOf(resource);
      return kind === undefined ? [] : [{ resource, schema: kind.schema }];
    });
    this.#documents = this.#source(custom);
    this.#made = new Map([...this.#made].filter(([key]) => BUILT_IN.has(key)));
  }

  async serve(exchange: Exchange): Promise<boolean> {
    const { path } = exchange;
    this.#renew();
    if (path === "/openapi/v2") return this.#serveV2(exchange);
    if (path === "/openapi/v3") return this.#serveIndex(exchange);
    const group = path.slice("/openapi/v3/".length);
    if (!path.startsWith("/openapi/v3/") || !this.#documents.paths.includes(group)) return false;
    const document = await this.#document(group, () => this.#documents.v3(group));
    // The hash in the query names this very text, so a cache may keep it for good.
    const isNamed = exchange.query.get("hash") === document.hash;
    await answer(exchange, document, "application/json", isNamed);
    return true;
  }

  async #serveV2(exchange: Exchange): Promise<boolean> {
    const accept = String(exchange.request.headers.accept ?? "*/*");
    if (accept.includes(V2_PROTOBUF) || accept.includes(V2_PROTOBUF_ANSWER)) {
      const document = await this.#document("v2pb", () => this.#documents.v2Protobuf());
      await answer(exchange, document, V2_PROTOBUF_ANSWER, false);
      return true;
    }
    if (!/application\/json|\*\/\*|application\/\*/.test(accept))
      throw new StatusError("NotAcceptable", `only ${V2_PROTOBUF} and application/json are served`);
    const document = await this.#document("v2", () => this.#documents.v2Json());
    await answer(exchange, document, "application/json", false);
    return true;
  }

  async #serveIndex(exchange: Exchange): Promise<boolean> {
    const paths: Record<string, { readonly serverRelativeURL: string }> = {};
    for (const path of this.#documents.paths) {
      const { hash } = await this.#document(path, () => this.#documents.v3(path));
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` };
    }
    await exchange.json(200, { paths });
    return true;
  }

  #document(key: string, make: () => Promise<Buffer>): Promise<Versioned> {
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const made = make().then((bytes) => ({
      bytes,
      hash: createHash("sha256").update(bytes).digest("hex").toUpperCase(),
    }));
    this.#made.set(key, made);
    return made;
  }
}

async function answer(
  exchange: Exchange,
  document: Versioned,
  type: string,
  isImmutable: boolean,
): Promise<void> {
  const etag = `"${document.hash}"`;
  const headers = {
    etag,
    vary: "Accept",
    ...(isImmutable ? { "cache-control": `public, immutable, max-age=${YEAR_SECONDS}` } : {}),
  };
  const isKnown = exchange.request.headers["if-none-match"] === etag;
  const body = isKnown ? Buffer.alloc(0) : document.bytes;
  await exchange.answer({ code: isKnown ? 304 : 200, type, body, headers });
}
