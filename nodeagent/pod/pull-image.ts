/** A container's image, and the events that tell of it. */
import type { Container, Pod } from "#proto/core/v1";
import { type Image, ImageError } from "../images/image-service.ts";
import type { PodDeps } from "./deps.ts";
import { backoffImage } from "./image-delay.ts";
import { pullCredentials } from "./pull-credentials.ts";

export type PullOutcome =
  | { readonly ok: true; readonly image: Image }
  | {
      readonly ok: false;
      readonly reason: string;
      readonly message: string;
      readonly retryAfterMs: number;
    };

export interface PullOptions {
  /** In a row, before this try. */
  readonly failures: number;
  readonly signal: AbortSignal;
  say(type: "Normal" | "Warning", reason: string, message: string): void;
}

type PullDeps = Pick<PodDeps, "clock" | "images" | "objects">;

export async function pullImage(
  deps: PullDeps,
  pod: Pod,
  container: Container,
  { failures, signal, say }: PullOptions,
): Promise<PullOutcome> {
  const { clock, images } = deps;
  const reference = container.image ?? "";
  const policy = container.imagePullPolicy ?? "IfNotPresent";
  const startMs = clock.monotonicMs();
  let isPulling = false;
  const onProgress = (): void => {
    if (!isPulling) say("Normal", "Pulling", `Pulling image "${reference}"`);
    isPulling = true;
  };
  try {
    const request = { reference, policy, credentials: credentialsOf(deps, pod), onProgress };
    const image = await images.ensure(request, signal);
    const took = `${((clock.monotonicMs() - startMs) / 1000).toFixed(3)}s`;
    const message = isPulling
      ? `Successfully pulled image "${reference}" in ${took} (${took} including waiting). Image size: ${image.sizeBytes} bytes.`
      : `Container image "${reference}" already present on machine`;
    if (!signal.aborted) say("Normal", "Pulled", message);
    return { ok: true, image };
  } catch (error) {
    const outcome = refusedPull(reference, error, failures + 1);
    if (!signal.aborted) tell(reference, error, outcome.reason, say);
    return outcome;
  }
}

function credentialsOf({ objects }: PullDeps, pod: Pod) {
  const sources = objects.sources(pod.metadata.namespace ?? "");
  const named = pod.spec.imagePullSecrets ?? [];
  return pullCredentials(named.flatMap(({ name = "" }) => sources.secret(name) ?? []));
}

/** The cause stays readable when the same pull has failed before: back-off repeats it. */
export function refusedPull(
  reference: string,
  error: unknown,
  failures: number,
): Extract<PullOutcome, { readonly ok: false }> {
  const reason = error instanceof ImageError ? error.reason : "ErrImagePull";
  const text = error instanceof Error ? error.message : String(error);
  const retryAfterMs = backoffImage(failures);
  const isBackOff = failures > 1 && (reason === "ErrImagePull" || reason === "RegistryUnavailable");
  if (!isBackOff) return { ok: false, reason, message: text, retryAfterMs };
  const message = `Back-off pulling image "${reference}": ${reason}: ${text}`;
  return { ok: false, reason: "ImagePullBackOff", message, retryAfterMs };
}

function tell(reference: string, error: unknown, reason: string, say: PullOptions["say"]): void {
  const text = error instanceof Error ? error.message : String(error);
  say("Warning", "Failed", `Failed to pull image "${reference}": ${text}`);
  say("Warning", "Failed", `Error: ${reason}`);
  if (reason === "ImagePullBackOff") {
    say("Normal", "BackOff", `Back-off pulling image "${reference}"`);
  }
}
