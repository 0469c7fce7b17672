/** `/openapi/v2` and `/openapi/v3`: the description of the API, as `kubectl explain` and validation read it. */
import { createHash } from "node:crypto";
import { StatusError } from "#lib/status-error";
import type { Resource } from "#resources";
import { type CustomResource, isCustom } from "../chain/custom-kind.ts";
import type { ResourceTable } from "../chain/resource-table.ts";
import { JSON_TYPE } from "../front/rest/media-type.ts";
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
const YEAR_SECONDS = 365 * 24 * 3600;

interface Versioned {
  readonly bytes: Buffer;
  readonly hash: string;
}

export type OpenApiSource = (custom: readonly CustomResource[]) => OpenApiDocuments;

/** What there is to describe at one time. An answer that is under way keeps to its own. */
interface Edition {
  readonly generation: number;
  readonly documents: OpenApiDocuments;
  /** Made when first asked for. */
  readonly made: Map<string, Promise<Versioned>>;
  /** The custom kinds of each path. */
  readonly custom: ReadonlyMap<string, readonly CustomResource[]>;
}

/** Group versions that others serve, and where they describe them. */
export type DescribedElsewhere = () => readonly {
  readonly group: string;
  readonly version: string;
  readonly description: string | undefined;
}[];

export class OpenApi {
  readonly #source: OpenApiSource;
  readonly #resources: ResourceTable;
  readonly #elsewhere: DescribedElsewhere;
  #edition: Edition;

  constructor(
    source: OpenApiSource,
    resources: ResourceTable,
    elsewhere: DescribedElsewhere = () => [],
  ) {
    this.#source = source;
    this.#elsewhere = elsewhere;
    this.#resources = resources;
    this.#edition = { generation: -1, documents: source([]), made: new Map(), custom: new Map() };
  }

  /** Documents of groups whose kinds are the same as before stay: they are large, and the index has a hash of each. */
  #current(): Edition {
    const before = this.#edition;
    const { generation } = this.#resources;
    if (generation === before.generation) return before;
    const custom = Map.groupBy(this.#resources.all().filter(isCustom), pathOf);
    const documents = this.#source([...custom.values()].flat());
    const isKept = (path: string): boolean =>
      path.startsWith("api") && isSame(custom.get(path), before.custom.get(path));
    const made = new Map([...before.made].filter(([path]) => isKept(path)));
    this.#edition = { generation, documents, made, custom };
    return this.#edition;
  }

  async serve(exchange: Exchange): Promise<boolean> {
    const { path } = exchange;
    const edition = this.#current();
    const { documents } = edition;
    if (path === "/openapi/v2") return serveV2(edition, exchange);
    if (path === "/openapi/v3") return serveIndex(edition, this.#elsewhere(), exchange);
    const group = path.slice("/openapi/v3/".length);
    if (!path.startsWith("/openapi/v3/") || !documents.paths.includes(group)) return false;
    const document = await documentOf(edition, group, () => documents.v3(group));
    // The hash in the query names this very text, so a cache may keep it for good.
    const isNamed = exchange.query.get("hash") === document.hash;
    await answer(exchange, document, JSON_TYPE, isNamed);
    return true;
  }
}

async function serveV2(edition: Edition, exchange: Exchange): Promise<boolean> {
  const accept = String(exchange.request.headers.accept ?? "*/*");
  if (accept.includes(V2_PROTOBUF) || accept.includes(V2_PROTOBUF_ANSWER)) {
    const document = await documentOf(edition, "v2pb", () => edition.documents.v2Protobuf());
    await answer(exchange, document, V2_PROTOBUF_ANSWER, false);
    return true;
  }
  if (!/application\/json|\*\/\*|application\/\*/.test(accept)) {
    const known = `${JSON_TYPE}, ${V2_PROTOBUF}`;
    throw new StatusError("NotAcceptable", `only the following media types are accepted: ${known}`);
  }
  const document = await documentOf(edition, "v2", () => edition.documents.v2Json());
  await answer(exchange, document, JSON_TYPE, false);
  return true;
}

async function serveIndex(
  edition: Edition,
  elsewhere: ReturnType<DescribedElsewhere>,
  exchange: Exchange,
): Promise<boolean> {
  const document =
    elsewhere.length === 0
      ? await documentOf(edition, "index", () => makeIndex(edition, []))
      : versioned(await makeIndex(edition, elsewhere));
  await answer(exchange, document, JSON_TYPE, false);
  return true;
}

async function makeIndex(
  edition: Edition,
  elsewhere: ReturnType<DescribedElsewhere>,
): Promise<Buffer> {
  const paths: Record<string, { readonly serverRelativeURL: string }> = {};
  for (const path of edition.documents.paths) {
    const { hash } = await documentOf(edition, path, () => edition.documents.v3(path));
    paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` };
  }
  for (const { description, ...served } of elsewhere) {
    const path = pathOf(served);
    if (description === undefined) delete paths[path];
    else paths[path] = { serverRelativeURL: description };
  }
  return Buffer.from(JSON.stringify({ paths }));
}

function documentOf(
  { made }: Edition,
  key: string,
  make: () => Promise<Buffer>,
): Promise<Versioned> {
  const known = made.get(key);
  if (known !== undefined) return known;
  const document = make().then(versioned);
  made.set(key, document);
  return document;
}

function versioned(bytes: Buffer): Versioned {
  return { bytes, hash: createHash("sha256").update(bytes).digest("hex").toUpperCase() };
}

/** `apis/apps/v1`; custom kinds are never in the core group. */
function pathOf({ group, version }: Pick<Resource, "group" | "version">): string {
  return `apis/${group}/${version}`;
}

/** A definition that has not changed keeps its rows. */
function isSame(a: readonly unknown[] = [], b: readonly unknown[] = []): boolean {
  return a.length === b.length && a.every((each, at) => each === b[at]);
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
