/** The node's images over a unix socket, for the command line. Only root can reach the socket's directory. */
import { rm } from "node:fs/promises";
import { Server, ServerCredentials, type ServiceError, status } from "@grpc/grpc-js";
import { type ImagesServer, ImagesService, type StoredImage } from "#services/images";
import { type Image, ImageError, type ImageService } from "./image-service.ts";

export async function serveImages(
  images: ImageService,
  socket: string,
): Promise<{ close(): void }> {
  // Left by an agent that was killed; nobody listens there any more.
  await rm(socket, { force: true });
  const server = new Server();
  server.addService(ImagesService, handlers(images));
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    );
  });
  return { close: () => server.forceShutdown() };
}

function handlers(images: ImageService): ImagesServer {
  return {
    list: (_call, reply) =>
      answer(reply, async () => ({ images: (await images.list()).map(stored) })),
    import: (call, reply) =>
      answer(reply, async () => {
        const imported = await images.import(call.request.path, new AbortController().signal);
        return { images: imported.map(stored) };
      }),
    remove: (call, reply) =>
      answer(reply, async () => {
        await images.remove(call.request.reference);
        return {};
      }),
    pull(call) {
      const cancelled = new AbortController();
      call.on("cancelled", () => cancelled.abort());
      const request = {
        reference: call.request.reference,
        policy: "Always",
        credentials: [],
        onProgress: ({ doneBytes, layer, totalBytes }) => {
          const progress = { layer, doneBytes: BigInt(doneBytes), totalBytes: BigInt(totalBytes) };
          call.write({ ...progress, image: undefined });
        },
      } as const satisfies Parameters<ImageService["ensure"]>[0];
      images.ensure(request, cancelled.signal).then(
        (image) => {
          call.write({ layer: "", doneBytes: 0n, totalBytes: 0n, image: stored(image) });
          call.end();
        },
        // Not destroy(): that ends the stream without telling the caller.
        (error: unknown) => call.emit("error", failure(error)),
      );
    },
  };
}

function answer<T>(
  reply: (error: Partial<ServiceError> | null, value?: T) => void,
  work: () => Promise<T>,
): void {
  work().then(
    (value) => reply(null, value),
    (error: unknown) => reply(failure(error)),
  );
}

function failure(error: unknown): Partial<ServiceError> {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof ImageError ? status.FAILED_PRECONDITION : status.INTERNAL;
  return Object.assign(new Error(message), { code, details: message });
}

function stored(image: Image): StoredImage {
  return {
    id: image.id,
    references: [...image.references],
    sizeBytes: BigInt(image.sizeBytes),
    pinned: image.pinned,
  };
}
