import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, JsonValue } from "#lib/json";
import { applyMergePatch } from "#lib/patch/merge-patch";
import { customResourceDefinitionRules as rules } from "./custom-resource-definition.ts";

const VERSION = {
  name: "v1",
  served: true,
  storage: true,
  schema: {
    openAPIV3Schema: {
      type: "object",
      properties: { spec: { type: "object", properties: { color: { type: "string" } } } },
    },
  },
};
const GOOD = {
  metadata: { name: "widgets.shop.example.com" },
  spec: {
    group: "shop.example.com",
    scope: "Namespaced",
    names: { plural: "widgets", kind: "Widget" },
    versions: [VERSION],
  },
};

function causesOf(patch: JsonObject): readonly string[] {
  const object = rules.complete?.(applyMergePatch(GOOD, patch) as JsonObject) ?? {};
  return (rules.validate?.(object) ?? []).map(({ field, message }) => `${field}: ${message}`);
}

const version = (fields: JsonObject): JsonObject => ({
  spec: { versions: [{ ...VERSION, ...fields }] },
});
const webhook = (fields: JsonObject): JsonObject => ({
  spec: {
    conversion: { strategy: "Webhook", webhook: { conversionReviewVersions: ["v1"], ...fields } },
  },
});

const FAULTS: readonly (readonly [JsonObject, string])[] = [
  [
    { metadata: { name: "x" } },
    'metadata.name: Invalid value: "x": must be spec.names.plural+"."+spec.group',
  ],
  [
    { metadata: { name: "widgets.local" }, spec: { group: "local" } },
    'spec.group: Invalid value: "local": should be a domain with at least one dot',
  ],
  [
    { metadata: { name: "widgets.a.k8s.io" }, spec: { group: "a.k8s.io" } },
    "metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation",
  ],
  [
    { spec: { scope: "Galaxy" } },
    'spec.scope: Unsupported value: "Galaxy": supported values: "Cluster", "Namespaced"',
  ],
  [
    { spec: { names: { kind: "W_", singular: "w", listKind: "WList" } } },
    'spec.names.kind: Invalid value: "W_": a DNS-1035 label',
  ],
  [
    { spec: { names: { listKind: "Widget" } } },
    'spec.names.listKind: Invalid value: "Widget": kind and listKind may not be the same',
  ],
  [
    { spec: { names: { shortNames: ["W"] } } },
    'spec.names.shortNames[0]: Invalid value: "W": a DNS-1035 label',
  ],
  [
    { spec: { versions: [VERSION, { ...VERSION, storage: false }] } },
    'spec.versions[1].name: Duplicate value: "v1"',
  ],
  [
    version({ storage: false }),
    'spec.versions: Invalid value: ["v1"]: must have exactly one version marked as storage version',
  ],
  [
    version({ schema: {} }),
    "spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required",
  ],
  [
    version({ deprecationWarning: "old" }),
    'spec.versions[0].deprecationWarning: Invalid value: "old": can only be set for deprecated versions',
  ],
  [
    version({
      subresources: { scale: { specReplicasPath: ".replicas", statusReplicasPath: ".status.n" } },
    }),
    'spec.versions[0].subresources.scale.specReplicasPath: Invalid value: ".replicas": should be a json path under .spec',
  ],
  [
    version({ additionalPrinterColumns: [{ name: "C", type: "text", jsonPath: ".x" }] }),
    'spec.versions[0].additionalPrinterColumns[0].type: Unsupported value: "text"',
  ],
  [
    version({ additionalPrinterColumns: [{ name: "C", type: "string", jsonPath: ".x[" }] }),
    'spec.versions[0].additionalPrinterColumns[0].jsonPath: Invalid value: ".x[": is an invalid path',
  ],
  [
    version({ selectableFields: [{ jsonPath: ".spec.size" }] }),
    'spec.versions[0].selectableFields[0].jsonPath: Invalid value: ".spec.size": is an invalid path',
  ],
  [{ spec: { preserveUnknownFields: true } }, "spec.preserveUnknownFields: Invalid value: true"],
  [
    { spec: { conversion: { strategy: "Magic" } } },
    'spec.conversion.strategy: Unsupported value: "Magic"',
  ],
  [webhook({}), "spec.conversion.webhook.clientConfig: Required value"],
  [
    webhook({ clientConfig: { url: "http://x.example/" } }),
    `spec.conversion.webhook.clientConfig.url: Invalid value: "http://x.example/": 'https' is the only allowed URL scheme`,
  ],
  [
    webhook({ clientConfig: { url: "https://x.example/" }, conversionReviewVersions: ["v2"] }),
    "spec.conversion.webhook.conversionReviewVersions: Invalid value",
  ],
];

test("a good definition has no faults", () => {
  assert.deepEqual(causesOf({}), []);
  const selectable = version({ selectableFields: [{ jsonPath: ".spec.color" }] });
  assert.deepEqual(causesOf(selectable), []);
});

test("each fault of a definition is named with its field", () => {
  for (const [patch, expected] of FAULTS) {
    const causes = causesOf(patch);
    assert.equal(causes.length, 1, JSON.stringify([patch, causes]));
    assert.ok(causes[0]?.startsWith(expected), `${causes[0]}\n${expected}`);
  }
});

const CHANGES: readonly (readonly [string, JsonValue])[] = [
  ["group", "other.example.com"],
  ["scope", "Cluster"],
];

test("what objects depend on cannot change", () => {
  const old = { ...GOOD, status: { storedVersions: ["v1"] } };
  for (const [field, value] of CHANGES) {
    const causes =
      rules.validateUpdate?.({ ...old, spec: { ...GOOD.spec, [field]: value } }, old) ?? [];
    assert.deepEqual(
      causes.map((cause) => cause.field),
      [`spec.${field}`],
    );
  }
  const without = { ...old, spec: { ...GOOD.spec, versions: [{ ...VERSION, name: "v2" }] } };
  const [cause] = rules.validateUpdate?.(without, old) ?? [];
  assert.equal(cause?.field, "status.storedVersions[0]");
});
