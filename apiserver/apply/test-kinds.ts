/** The words in which the tests of apply are told. */
import assert from "node:assert/strict";
import type { JsonObject, JsonValue } from "#lib/json";
import { configMaps, deployments, pods, type Resource, services } from "#resources";
import { everything } from "./compare.ts";
import { conflictError } from "./conflicts.ts";
import type { FieldSet } from "./field-set.ts";
import { kindTypeOf } from "./kind-types.ts";
import { encodeManagedFields, type ManagedFields } from "./managers.ts";
import { planApply } from "./plan-apply.ts";
import { trackUpdate } from "./track-update.ts";

const KINDS: Readonly<Record<string, Resource>> = {
  ConfigMap: configMaps,
  Deployment: deployments,
  Pod: pods,
  Service: services,
};

/** An object as it is stored, with who owns what of it. */
export interface State {
  readonly object: JsonObject;
  readonly managed: ManagedFields;
}

export interface How {
  readonly by?: string;
  readonly force?: boolean;
  readonly time?: string;
  readonly subresource?: string;
}

const TIME = "2026-01-31T12:00:00Z";

export function kindOf(object: JsonObject) {
  const resource = KINDS[String(object["kind"])];
  assert.ok(resource, `a kind for the test: ${String(object["kind"])}`);
  return kindTypeOf(resource);
}

function managerOf(object: JsonObject, operation: "Apply" | "Update", how: How) {
  const { by = "alice", subresource } = how;
  return { name: by, operation, apiVersion: String(object["apiVersion"]), subresource };
}

/** Throws the conflict as clients get it. */
export function apply(state: State | undefined, configuration: JsonObject, how: How = {}): State {
  const kind = kindOf(configuration);
  const plan = planApply({
    kind,
    live: state?.object ?? kind.empty,
    managed: state?.managed ?? [],
    configuration,
    writable: (object) => object,
    decode: (object) => object,
    by: managerOf(configuration, "Apply", how),
    force: how.force ?? false,
    time: how.time ?? TIME,
  });
  if (!plan.ok) throw conflictError(plan.conflicts);
  return plan;
}

export function update(state: State | undefined, object: JsonObject, how: How = {}): State {
  const kind = kindOf(object);
  const managed = trackUpdate({
    type: kind.type,
    before: state?.object ?? kind.empty,
    after: object,
    managed: state?.managed ?? [],
    by: managerOf(object, "Update", how),
    time: how.time ?? TIME,
  });
  return { object, managed };
}

/** Who owns what: `{ "alice Apply": { "f:spec": … } }`. */
export function owners({ managed }: State): JsonObject {
  const entries = JSON.parse(encodeManagedFields(managed)) as JsonObject[];
  return Object.fromEntries(
    entries.map((entry): [string, JsonValue] => [
      [entry["manager"], entry["operation"], entry["subresource"]].filter(Boolean).join(" "),
      entry["fieldsV1"] ?? null,
    ]),
  );
}

/** A ConfigMap, the simplest object there is. */
export function configMap(data: Readonly<Record<string, string>>): JsonObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "m" }, data };
}

export function pod(spec: JsonObject, metadata: JsonObject = {}): JsonObject {
  return { apiVersion: "v1", kind: "Pod", metadata: { name: "p", ...metadata }, spec };
}
/** Every place that an object has. */
export function everyPlace(object: JsonObject): FieldSet {
  return everything(kindOf(object).type, object);
}
