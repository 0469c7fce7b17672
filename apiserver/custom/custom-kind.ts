/** One version of a definition, compiled: what the chain asks of a custom kind. */
import type { KindRef } from "#codec";
import { assert } from "#lib/assert";
import type { JsonObject } from "#lib/json";
import type { StatusCause } from "#lib/status-error";
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
} from "#proto/apiextensions/v1";
import type { CustomKind, ScalePaths } from "../chain/custom-kind.ts";
import { compileColumns } from "./columns.ts";
import type { Converter } from "./conversion.ts";
import { decodeCustom } from "./decode.ts";
import { compileRules } from "./rules/compile-rules.ts";
import { compileDefaults } from "./schema/default.ts";
import { compileFieldTypes } from "./schema/field-types.ts";
import { compilePrune } from "./schema/prune.ts";
import { compileValidation } from "./schema/validate.ts";
import { Shown } from "./shown.ts";

/** What a schema that was never given means: anything goes, and is kept. */
const ANYTHING = { type: "object", "x-kubernetes-preserve-unknown-fields": true } as const;

/** For all rules of one object together: what a server does in some tens of milliseconds. */
const RULE_STEPS_MAX = 1_000_000;

export interface KindOptions {
  readonly definition: CustomResourceDefinition;
  readonly version: CustomResourceDefinitionVersion;
  readonly convert: Converter;
  readonly ended: AbortSignal;
}

export function compileKind({ convert, definition, ended, version }: KindOptions): CustomKind {
  const { spec, metadata } = definition;
  const kind = { apiVersion: `${spec.group}/${version.name}`, kind: spec.names.kind };
  const schema = version.schema?.openAPIV3Schema ?? ANYTHING;
  const prune = compilePrune(schema, true);
  const complete = compileDefaults(schema) ?? ((object) => object);
  const validate = compileValidation(schema);
  const rules = compileRules(schema, "").check;
  const shown = new Shown({
    apiVersion: kind.apiVersion,
    convert,
    adjust: (object) => complete(prune(object, "", [])) as JsonObject,
  });
  return {
    ended,
    isTerminating: metadata.deletionTimestamp !== undefined,
    hasStatus: version.subresources?.status !== undefined,
    scale: scalePaths(version),
    selectableFields: (version.selectableFields ?? []).map(({ jsonPath }) => jsonPath.slice(1)),
    deprecation: deprecationOf(kind, version),
    ...compileColumns(version.additionalPrinterColumns),
    decode: (body, fieldValidation) => decodeCustom(body, { kind, prune, fieldValidation }),
    complete: (object) => complete(object) as JsonObject,
    fields: compileFieldTypes(schema),
    validate: (object, old) => {
      const causes: StatusCause[] = [];
      validate(object, old, "", causes);
      // Rules may take for granted what the schema says.
      if (causes.length === 0)
        rules?.(object, old, "", { causes, budget: { remaining: RULE_STEPS_MAX } });
      return causes;
    },
    show: (stored) => shown.of(stored),
    toStorage: (objects) => convert(objects, storageVersionOf(definition)),
  };
}

function storageVersionOf({ spec }: CustomResourceDefinition): string {
  const storage = spec.versions.find((version) => version.storage);
  assert(storage !== undefined, "validation admits no definition without a storage version");
  return `${spec.group}/${storage.name}`;
}

function scalePaths({ subresources }: CustomResourceDefinitionVersion): ScalePaths | undefined {
  const scale = subresources?.scale;
  if (scale === undefined) return undefined;
  const { labelSelectorPath = "", specReplicasPath, statusReplicasPath } = scale;
  return {
    specReplicas: stepsOf(specReplicasPath),
    statusReplicas: stepsOf(statusReplicasPath),
    labelSelector: labelSelectorPath === "" ? undefined : stepsOf(labelSelectorPath),
  };
}

/** `.spec.replicas`: validation admits no other form. */
function stepsOf(path: string): readonly string[] {
  return path.split(".").slice(1);
}

function deprecationOf(
  { apiVersion, kind }: KindRef,
  { deprecated, deprecationWarning }: CustomResourceDefinitionVersion,
): string | undefined {
  if (!deprecated) return undefined;
  return deprecationWarning ?? `${apiVersion} ${kind} is deprecated`;
}
