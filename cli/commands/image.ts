/** Images on the nodes of this machine, through the agents' sockets. */
import { resolve } from "node:path";
import { credentials, type ServiceError } from "@grpc/grpc-js";
import { ImagesClient, type StoredImage } from "#services/images";
import { readPlan } from "../../naru/down.ts";
import { layoutOf } from "../../naru/layout.ts";
import { LiveLine } from "../print/live-line.ts";
import { formatTable } from "../print/table.ts";
import type { Surroundings } from "../session.ts";
import { UserError } from "../terminal.ts";
import { requireRoot } from "./require-root.ts";

export interface ImageOptions {
  readonly dataDir: string;
  readonly node?: string;
}

interface NodeImages {
  readonly node: string;
  readonly client: ImagesClient;
}

export async function listImages({ terminal }: Surroundings, options: ImageOptions): Promise<void> {
  const rows: string[][] = [];
  await onNodes(options, async ({ client, node }) => {
    const { images } = await call<{ readonly images: readonly StoredImage[] }>((done) =>
      client.list({}, done),
    );
    for (const image of images) {
      for (const reference of image.references.length === 0 ? ["<none>"] : image.references) {
        rows.push([
          node,
          reference,
          image.id.slice(7, 19),
          megabytes(image.sizeBytes),
          image.pinned ? "yes" : "no",
        ]);
      }
    }
  });
  terminal.out(formatTable(["NODE", "IMAGE", "ID", "SIZE", "PINNED"], rows));
}

export async function importImage(
  { terminal }: Surroundings,
  path: string,
  options: ImageOptions,
): Promise<void> {
  await onNodes(options, async ({ client, node }) => {
    const { images } = await call<{ readonly images: readonly StoredImage[] }>((done) =>
      client.import({ path: resolve(path) }, done),
    );
    for (const image of images)
      terminal.out(`${image.references.join(", ") || image.id} imported on ${node}\n`);
  });
}

export async function removeImage(
  { terminal }: Surroundings,
  reference: string,
  options: ImageOptions,
): Promise<void> {
  await onNodes(options, async ({ client, node }) => {
    await call((done) => client.remove({ reference }, done));
    terminal.out(`${reference} removed from ${node}\n`);
  });
}

export async function pullImage(
  { signal, terminal }: Surroundings,
  reference: string,
  options: ImageOptions,
): Promise<void> {
  await onNodes(options, async ({ client, node }) => {
    using line = new LiveLine(terminal);
    const layers = new Map<string, { readonly done: bigint; readonly total: bigint }>();
    const stream = client.pull({ reference });
    const cancel = (): void => stream.cancel();
    signal.addEventListener("abort", cancel);
    let image: StoredImage | undefined;
    try {
      for await (const message of stream) {
        const { doneBytes, image: pulled, layer, totalBytes } = message;
        image = pulled ?? image;
        if (layer === "") continue;
        layers.set(layer, { done: doneBytes, total: totalBytes });
        // A line a chunk would be noise in a pipe.
        if (terminal.isInteractive) line.show(`${node}: ${progress([...layers.values()])}`);
      }
    } catch (error) {
      throw explained(error);
    } finally {
      signal.removeEventListener("abort", cancel);
    }
    line.end(`${image?.references.join(", ") ?? reference} pulled on ${node}`);
  });
}

function progress(layers: readonly { readonly done: bigint; readonly total: bigint }[]): string {
  const done = layers.reduce((sum, layer) => sum + layer.done, 0n);
  const total = layers.reduce((sum, layer) => sum + layer.total, 0n);
  return `${layers.length} layers, ${megabytes(done)} of ${megabytes(total)}`;
}

async function onNodes(
  options: ImageOptions,
  act: (node: NodeImages) => Promise<void>,
): Promise<void> {
  requireRoot("naru image");
  const layout = layoutOf(options.dataDir);
  const plan = readPlan(layout);
  if (plan === undefined)
    throw new UserError(`there is no cluster in ${layout.dataDir}; start one with: naru up`);
  const nodes = plan.nodes.filter(
    ({ name }) => options.node === undefined || name === options.node,
  );
  if (nodes.length === 0) {
    const have = plan.nodes.map(({ name }) => name).join(", ");
    throw new UserError(`there is no node ${options.node} on this machine; it has: ${have}`);
  }
  for (const { name } of nodes) {
    const client = new ImagesClient(
      `unix:${layout.imagesSocket(name)}`,
      credentials.createInsecure(),
    );
    try {
      await act({ node: name, client });
    } finally {
      client.close();
    }
  }
}

function call<T>(
  start: (done: (error: ServiceError | null, value: T) => void) => unknown,
): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error === null ? resolve(value) : reject(explained(error))));
  });
}

function explained(error: unknown): unknown {
  const details = (error as Partial<ServiceError>).details;
  return details === undefined ? error : new UserError(details, { cause: error });
}

function megabytes(bytes: bigint): string {
  return `${(Number(bytes) / 1e6).toFixed(1)}MB`;
}
