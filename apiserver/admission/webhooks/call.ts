/** One question to a webhook: where it is, how long it may take, and what its answers mean. */
import type { Clock } from "#lib/clock";
import type { Random } from "#lib/random";
import type { WebhookClientConfig } from "#proto/admissionregistration/v1";
import type { Reader } from "../../chain/steps.ts";
import type { Post, Poster } from "./post.ts";
import { serviceAddress } from "./service-address.ts";

/** What calling needs. */
export interface Calling {
  readonly reader: Reader;
  readonly clock: Clock;
  readonly random: Random;
  readonly post: Poster;
}

export interface WebhookCall {
  readonly client: WebhookClientConfig;
  readonly timeoutSeconds: number;
  readonly body: string;
  /** Admission webhooks are told in the query how long they have. */
  readonly sayTimeout: boolean;
  /** Aborts when nobody waits for the answer any more. */
  readonly abandoned?: AbortSignal;
}

/** The body of the answer. Throws an Error that names the URL and says why there is none. */
export async function callWebhook(calling: Calling, call: WebhookCall): Promise<string> {
  const { clock, post } = calling;
  const url = urlOf(call);
  const timeout = new AbortController();
  const cancel = clock.after(call.timeoutSeconds * 1000, () => timeout.abort());
  try {
    const answer = await post({
      ...(await target(calling, call, url)),
      body: call.body,
      signal:
        call.abandoned === undefined
          ? timeout.signal
          : AbortSignal.any([timeout.signal, call.abandoned]),
    });
    if (answer.status >= 200 && answer.status < 300) return answer.body;
    throw new Error(statusText(answer.status, answer.body));
  } catch (error) {
    const why = timeout.signal.aborted ? "context deadline exceeded" : (error as Error).message;
    throw new Error(`Post "${url.href}": ${why}`, { cause: error });
  } finally {
    cancel();
  }
}

function urlOf({ client, sayTimeout, timeoutSeconds }: WebhookCall): URL {
  const { service, url: given = "" } = client;
  const path = service?.path ?? "/";
  const url = new URL(
    service === undefined
      ? given
      : `https://${service.name}.${service.namespace}.svc:${service.port ?? 443}${path}`,
  );
  if (sayTimeout) url.searchParams.set("timeout", `${timeoutSeconds}s`);
  return url;
}

async function target(
  { random, reader }: Calling,
  { client }: WebhookCall,
  url: URL,
): Promise<Pick<Post, "address" | "authorities" | "url">> {
  const { caBundle = "", service } = client;
  const authorities = Buffer.from(caBundle, "base64").toString("utf8");
  return {
    url,
    ...(service === undefined ? {} : { address: await serviceAddress(service, reader, random) }),
    ...(authorities === "" ? {} : { authorities }),
  };
}

/** As Kubernetes' client words what it is told. */
function statusText(status: number, body: string): string {
  if (status === 404) return "the server could not find the requested resource";
  const shown = body.slice(0, BODY_SHOWN_MAX).trim();
  return `an error on the server (${JSON.stringify(shown === "" ? "unknown" : shown)}) has prevented the request from succeeding (code ${status})`;
}

const BODY_SHOWN_MAX = 256;
