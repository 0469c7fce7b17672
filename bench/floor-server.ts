/**
 * The floor for an API server in Node: HTTPS, JSON encoded once, every write durable in LMDB before it is answered, and
 * nothing else. No validation, no admission, no access control, one resource. What a real server adds is measured against it.
 *
 *   bin/node bench/floor-server.ts KEY CERTIFICATE DIRECTORY PORT
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { open } from "lmdb";

interface StoredPod {
  kind?: string;
  metadata: {
    name: string;
    uid?: string;
    creationTimestamp?: string;
    resourceVersion?: string;
    labels: Record<string, string>;
  };
}

const PODS = "/api/v1/namespaces/bench/pods";
const COMMA = Buffer.from(",");
const END = Buffer.from("]}");
const EVENT_END = Buffer.from("}\n");

const [keyPath = "", certificatePath = "", directory = "", port = ""] = process.argv.slice(2);
const database = open<Buffer, string>({
  path: `${directory}/floor`,
  encoding: "binary",
  eventTurnBatching: true,
});
const encoded = new Map<string, Buffer>();
const byShard = new Map<string, Map<string, Buffer>>();
const watchers = new Set<ServerResponse>();
let version = 0;
let pending: Buffer[] = [];

async function store(pod: StoredPod, type: "ADDED" | "MODIFIED"): Promise<Buffer> {
  const { name, labels } = pod.metadata;
  pod.metadata.resourceVersion = String(++version);
  const bytes = Buffer.from(JSON.stringify(pod));
  await database.put(name, bytes);
  encoded.set(name, bytes);
  shardOf(labels["shard"] ?? "").set(name, bytes);
  tell(type, bytes);
  return bytes;
}

function shardOf(shard: string): Map<string, Buffer> {
  const found = byShard.get(shard) ?? new Map<string, Buffer>();
  byShard.set(shard, found);
  return found;
}

/** Events of one turn of the loop go out together, the same bytes to all. */
function tell(type: string, bytes: Buffer): void {
  if (watchers.size === 0) return;
  if (pending.length === 0) {
    setImmediate(() => {
      const all = Buffer.concat(pending);
      pending = [];
      for (const watcher of watchers) watcher.write(all);
    });
  }
  pending.push(Buffer.from(`{"type":"${type}","object":`), bytes, EVENT_END);
}

async function create(request: IncomingMessage): Promise<Buffer> {
  const pod = (await bodyOf(request)) as StoredPod;
  // A Namespace, which nobody keeps here.
  if (pod.kind !== "Pod") return Buffer.from("{}");
  pod.metadata.uid = randomUUID();
  pod.metadata.creationTimestamp = new Date().toISOString();
  return store(pod, "ADDED");
}

async function patch(name: string, request: IncomingMessage): Promise<Buffer> {
  const change = (await bodyOf(request)) as StoredPod;
  const pod = JSON.parse(encoded.get(name)?.toString() ?? "") as StoredPod;
  Object.assign(pod.metadata.labels, change.metadata.labels);
  return store(pod, "MODIFIED");
}

async function removeAll(): Promise<Buffer> {
  await Promise.all([...encoded.keys()].map((name) => database.remove(name)));
  encoded.clear();
  byShard.clear();
  return Buffer.from("{}");
}

function list(pods: Iterable<Buffer>): Buffer {
  const head = `{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"${version}"},"items":[`;
  const parts: Buffer[] = [Buffer.from(head)];
  for (const pod of pods) {
    if (parts.length > 1) parts.push(COMMA);
    parts.push(pod);
  }
  parts.push(END);
  return Buffer.concat(parts);
}

function read(path: string, query: URLSearchParams): Buffer {
  if (path.startsWith(`${PODS}/`)) return encoded.get(path.slice(PODS.length + 1)) ?? END;
  const shard = query.get("labelSelector")?.split("=")[1];
  if (shard !== undefined) return list(shardOf(shard).values());
  return list(query.has("limit") ? [...encoded.values()].slice(0, 1) : encoded.values());
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString());
}

function answer(
  path: string,
  query: URLSearchParams,
  request: IncomingMessage,
): Promise<Buffer> | Buffer {
  if (request.method === "POST") return create(request);
  if (request.method === "PATCH") return patch(path.slice(PODS.length + 1), request);
  if (request.method === "DELETE") return removeAll();
  return read(path, query);
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "", "https://floor");
  if (searchParams.has("watch")) {
    response.writeHead(200, { "content-type": "application/json" }).flushHeaders();
    watchers.add(response);
    response.on("close", () => watchers.delete(response));
    return;
  }
  const body = await answer(pathname, searchParams, request);
  response.writeHead(200, { "content-type": "application/json", "content-length": body.length });
  response.end(body);
}

const server = createServer(
  { key: readFileSync(keyPath), cert: readFileSync(certificatePath) },
  (request, response) => {
    handle(request, response).catch((error: unknown) => response.destroy(error as Error));
  },
);
server.listen(Number(port), "127.0.0.1", () => process.stdout.write("up\n"));
