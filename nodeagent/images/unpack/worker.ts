/** Runs in a worker thread, so that unpacking never holds up the agent. One layer a worker, then it ends. */
import { parentPort, workerData } from "node:worker_threads";
import { linuxLayerKernel } from "../../kernel/layer-kernel.ts";
import { applyLayer } from "./apply-layer.ts";
import { openLayer } from "./layer-stream.ts";

export interface UnpackJob {
  readonly blobPath: string;
  readonly mediaType: string;
  readonly diffId: string;
  readonly directory: string;
}

/** What the worker posts, once. */
export type UnpackResult = { readonly ok: true } | { readonly ok: false; readonly message: string };

async function main(job: UnpackJob): Promise<UnpackResult> {
  const layer = openLayer(job.blobPath, job.mediaType);
  await applyLayer(job.directory, layer.archive, linuxLayerKernel);
  const diffId = layer.diffId();
  if (diffId !== job.diffId) {
    return {
      ok: false,
      message: `the layer unpacks to ${diffId}, the image's configuration says ${job.diffId}`,
    };
  }
  return { ok: true };
}

main(workerData as UnpackJob).then(
  (result) => parentPort?.postMessage(result),
  (error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    parentPort?.postMessage({ ok: false, message } satisfies UnpackResult);
  },
);
