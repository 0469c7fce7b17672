import type { JsonObject } from "#lib/json";
import { uuid } from "#lib/random";
import { StatusError } from "#lib/status-error";
import type { CustomResourceDefinition, WebhookClientConfig } from "#proto/apiextensions/v1";
import { type Calling, callWebhook } from "../admission/webhooks/call.ts";
import { convertedObjects, reviewOf } from "./conversion-review.ts";

/** Gives objects of one kind in another version, in the same order. Those that are in it already come back as they are. */
export type Converter = (
  objects: readonly JsonObject[],
  apiVersion: string,
) => Promise<readonly JsonObject[]>;

export function converterOf(definition: CustomResourceDefinition, calling: Calling): Converter {
  const client = definition.spec.conversion?.webhook?.clientConfig;
  return client === undefined ? renameVersion : webhookConverter(client, calling);
}

/** Strategy None: versions differ in their name alone. */
const renameVersion: Converter = async (objects, apiVersion) =>
  objects.map((object) =>
    object["apiVersion"] === apiVersion ? object : { ...object, apiVersion },
  );

/** Kubernetes' own. */
const TIMEOUT_SECONDS = 30;

/** Asks once for all that are in another version. Throws InternalError when the webhook gives no good answer. */
function webhookConverter(client: WebhookClientConfig, calling: Calling): Converter {
  return async (objects, apiVersion) => {
    const others = objects.filter((object) => object["apiVersion"] !== apiVersion);
    const [first] = others;
    if (first === undefined) return objects;
    const uid = uuid(calling.random);
    const body = JSON.stringify(reviewOf(uid, apiVersion, others));
    try {
      const call = { client, timeoutSeconds: TIMEOUT_SECONDS, body, sayTimeout: false };
      const converted = convertedObjects(await callWebhook(calling, call), uid, apiVersion, others);
      let at = 0;
      return objects.map((object) =>
        object["apiVersion"] === apiVersion ? object : (converted[at++] ?? object),
      );
    } catch (error) {
      const what = `${String(first["apiVersion"])}, Kind=${String(first["kind"])}`;
      const why = `conversion webhook for ${what} failed: ${(error as Error).message}`;
      throw new StatusError("InternalError", why, { cause: error });
    }
  };
}
