/** `serviceaccounts/token`: a token for an account, bound to nothing else or to one more object. */
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { BoundObjectReference, TokenRequestSpec } from "#proto/authentication/v1";
import type { Pod } from "#proto/core/v1";
import { nodes, pods, type Resource, secrets, tokenRequests } from "#resources";
import { admissionOf, admit } from "./admit.ts";
import { authorize } from "./authorize.ts";
import { decodeBody } from "./decode-body.ts";
import { conflict, invalid, notFound } from "./failures.ts";
import { found } from "./get.ts";
import { objectAt, timestamp } from "./object-meta.ts";
import { Published } from "./published.ts";
import type { Body, Call, Steps, TokenBinding } from "./steps.ts";

const LIFE_SECONDS = 3600;
const LIFE_SECONDS_MIN = 600;
const LIFE_SECONDS_MAX = 2 ** 32;

export async function requestToken(steps: Steps, call: Call, given: Body): Promise<Published> {
  await authorize(steps, call, "create");
  const decoded = decodeBody({ ...call, resource: tokenRequests }, given);
  // Admission sees who was named, not who is meant when nobody is.
  const { object: admitted = decoded } = await admit(steps, {
    ...admissionOf(call, "CREATE"),
    object: decoded,
  });
  const request = withDefaults(admitted, steps.tokens.audiences);
  const spec = request["spec"] as unknown as Required<TokenRequestSpec>;
  checkLife(call, spec.expirationSeconds);
  const account = await found(steps, call);
  const { name, uid } = account.object.metadata;
  const binding: TokenBinding = {
    namespace: call.namespace ?? "",
    serviceaccount: { name, uid },
    ...(spec.boundObjectRef === undefined
      ? {}
      : await boundObject(steps, call, spec.boundObjectRef)),
  };
  if (call.dryRun) return answer(request, "", steps.clock.nowMs());
  const { expiresMs, token } = await steps.tokens.issue(
    binding,
    spec.audiences,
    Number(spec.expirationSeconds),
  );
  return answer(request, token, expiresMs);
}

function withDefaults(request: JsonObject, ownAudiences: readonly string[]): JsonObject {
  const spec = objectAt(request, "spec");
  const { audiences = [], expirationSeconds = LIFE_SECONDS } =
    spec as unknown as Partial<TokenRequestSpec>;
  return {
    ...request,
    spec: {
      ...spec,
      audiences: audiences.length === 0 ? ownAudiences : audiences,
      expirationSeconds,
    },
  };
}

function checkLife(call: Call, seconds: number): void {
  const refuse = (detail: string): StatusError =>
    invalid(tokenRequests, call.name ?? "", [
      {
        reason: "FieldValueInvalid",
        field: "spec.expirationSeconds",
        message: `Invalid value: ${seconds}: ${detail}`,
      },
    ]);
  if (seconds < LIFE_SECONDS_MIN) throw refuse("may not specify a duration less than 10 minutes");
  if (seconds > LIFE_SECONDS_MAX)
    throw refuse("may not specify a duration larger than 2^32 seconds");
}

const BINDABLE: Readonly<Record<string, Resource>> = {
  "v1/Pod": pods,
  "v1/Secret": secrets,
  "v1/Node": nodes,
};

async function boundObject(
  steps: Steps,
  call: Call,
  reference: BoundObjectReference,
): Promise<Partial<TokenBinding>> {
  const { apiVersion = "", kind = "", name = "", uid = "" } = reference;
  const resource = BINDABLE[`${apiVersion}/${kind}`];
  if (resource === undefined) {
    const what = `object with apiVersion "${apiVersion}" and kind "${kind}"`;
    throw new StatusError(
      "BadRequest",
      `cannot bind token for serviceaccount "${call.name}" to ${what}`,
    );
  }
  const namespace = resource.namespaced ? call.namespace : undefined;
  const published = await steps.reader.get(resource, namespace, name);
  if (published === undefined) throw notFound(resource, name);
  const { object } = published;
  if (uid !== "" && uid !== object.metadata.uid) {
    const why = `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`;
    throw conflict(resource, name, why);
  }
  const claim = { name, uid: object.metadata.uid };
  if (resource === secrets) return { secret: claim };
  if (resource === nodes) return { node: claim };
  return { pod: claim, ...(await nodeOfPod(steps, call, object as Pod)) };
}

async function nodeOfPod(steps: Steps, call: Call, { spec }: Pod): Promise<Partial<TokenBinding>> {
  if (spec.serviceAccountName !== call.name) {
    throw new StatusError(
      "BadRequest",
      `cannot bind token for serviceaccount "${call.name}" to pod running with different serviceaccount name.`,
    );
  }
  if (!spec.nodeName) return {};
  const node = await steps.reader.get(nodes, undefined, spec.nodeName);
  return { node: { name: spec.nodeName, uid: node?.object.metadata.uid ?? "" } };
}

function answer(request: JsonObject, token: string, expiresMs: number): Published {
  const status = { token, expirationTimestamp: timestamp(expiresMs) };
  return Published.unsaved({ ...request, status });
}
