/** Asks whether an extension API server can be used, and what it serves. */
import type { IncomingMessage } from "node:http";
import type { Clock } from "#lib/clock";
import type { APIService } from "#proto/apiregistration/v1";
import type { Service } from "#proto/core/v1";
import type { EndpointSlice } from "#proto/discovery/v1";
import { endpointSlices, type Resource, services } from "#resources";
import type { Reader } from "../chain/steps.ts";
import { type Availability, PASSED, unavailable } from "./conditions.ts";
import { extensionKinds } from "./extension-kinds.ts";
import type { ExtensionServer } from "./extension-server.ts";
import { identityHeaders } from "./identity-headers.ts";
import { serviceProblem } from "./service-check.ts";

export interface Seen {
  readonly availability: Availability;
  /** Undefined when it could not be asked. */
  readonly kinds?: readonly Resource[];
  /** Where it describes them, as OpenAPI v3; undefined when it does not. */
  readonly description?: string;
}

/** Who asks: somebody who may see everything. */
const ASKING = identityHeaders({ name: "system:kube-aggregator", groups: ["system:masters"] });
/** Kubernetes' own patience. */
const ANSWER_TIMEOUT_MS = 5_000;
/** More than any list of kinds has. */
const ANSWER_BYTES_MAX = 4 << 20;

export async function look(
  { clock, reader }: { readonly clock: Clock; readonly reader: Reader },
  { spec }: APIService,
  server: ExtensionServer,
): Promise<Seen> {
  const { group = "", service = {}, version = "" } = spec;
  const problem = await problemOf(reader, service);
  if (problem !== undefined) return { availability: problem };
  const path = `/apis/${group}/${version}`;
  const timeout = new AbortController();
  const cancel = clock.after(ANSWER_TIMEOUT_MS, () => timeout.abort());
  try {
    const kinds = extensionKinds(await ask(server, path, timeout.signal), { group, version });
    const description = await descriptionOf(server, path, timeout.signal);
    return { availability: PASSED, kinds, ...(description === undefined ? {} : { description }) };
  } catch (error) {
    const why = timeout.signal.aborted
      ? `no answer within ${ANSWER_TIMEOUT_MS / 1000} s`
      : (error as Error).message;
    const url = `https://${server.host}:${service.port ?? 443}${path}`;
    const message = `failing or missing response from ${url}: ${why}`;
    return { availability: unavailable("FailedDiscoveryCheck", message) };
  } finally {
    cancel();
  }
}

async function problemOf(
  reader: Reader,
  service: NonNullable<APIService["spec"]["service"]>,
): Promise<Availability | undefined> {
  const { name = "", namespace = "" } = service;
  const found = await reader.get(services, namespace, name);
  const { items } = await reader.list({
    resource: endpointSlices,
    namespace,
    labelSelector: `kubernetes.io/service-name=${name}`,
  });
  const slices = items.map(({ object }) => object as EndpointSlice);
  return serviceProblem(service, found?.object as Service | undefined, slices);
}

/** Those that have none are as good as others. */
async function descriptionOf(
  server: ExtensionServer,
  path: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const { paths } = JSON.parse(await ask(server, "/openapi/v3", signal)) as {
      readonly paths: Readonly<Record<string, { readonly serverRelativeURL?: unknown }>>;
    };
    const url = paths[path.slice(1)]?.serverRelativeURL;
    const own = `/openapi/v3${path}`;
    if (typeof url !== "string") return undefined;
    return url === own || url.startsWith(`${own}?`) ? url : undefined;
  } catch {
    return undefined;
  }
}

async function ask(server: ExtensionServer, path: string, signal: AbortSignal): Promise<string> {
  const headers = { ...ASKING, accept: "application/json" };
  const answer = await server.send({ method: "GET", path, headers, signal });
  const text = await textOf(answer);
  const { statusCode = 0 } = answer;
  if (statusCode < 200 || statusCode >= 300) throw new Error(`bad status: ${statusCode}`);
  return text;
}

/** Rejects for more than any list of kinds has. */
export async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > ANSWER_BYTES_MAX)
      throw new Error(`the answer has more than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
