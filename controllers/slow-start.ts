/** The first batch; each that succeeds wholly doubles the next. Kubernetes' value. */
const FIRST_BATCH = 1;

export interface SlowStartResult {
  readonly succeeded: number;
  /** The first failure; after it nothing more was tried. */
  readonly error: unknown;
}

/**
 * Does something `count` times in growing batches, so that when it cannot work (a quota, a webhook) the API server is
 * asked once and not a thousand times.
 */
export async function slowStart(
  count: number,
  act: (index: number) => Promise<void>,
): Promise<SlowStartResult> {
  let done = 0;
  for (let batch = FIRST_BATCH; done < count; batch *= 2) {
    const size = Math.min(batch, count - done);
    const results = await Promise.allSettled(
      Array.from({ length: size }, (_, at) => act(done + at)),
    );
    const failed = results.find((result) => result.status === "rejected");
    const succeeded = results.filter((result) => result.status === "fulfilled").length;
    if (failed !== undefined) return { succeeded: done + succeeded, error: failed.reason };
    done += size;
  }
  return { succeeded: done, error: undefined };
}
