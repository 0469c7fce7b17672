import { isDeepStrictEqual } from "node:util";
import type { JsonObject } from "#lib/json";
import type { StatefulSetSpec } from "#proto/apps/v1";
import { type Causes, forbidden, invalid } from "../causes.ts";
import { atLeast, requiredOneOf } from "../checks.ts";
import { type KindRules, specOf } from "../kind-rules.ts";
import { validateAmount } from "./strategy.ts";
import { completeTemplate, validateCounts, validateTemplate } from "./workloads.ts";

export const statefulSetRules: KindRules = {
  nameRule: "subdomain",
  firstStatus: () => ({ replicas: 0, availableReplicas: 0 }),
  complete: completeStatefulSet,
  validate: (object) => [
    ...validateSpec(specOf(object) as unknown as StatefulSetSpec),
    ...validateCounts(object, ["replicas", "minReadySeconds", "revisionHistoryLimit"]),
    ...validateTemplate(withClaimVolumes(object)),
  ],
  validateUpdate,
};

function completeStatefulSet(object: JsonObject): JsonObject {
  const completed = completeTemplate(object);
  const given = (specOf(object)["updateStrategy"] ?? {}) as JsonObject;
  const type = (given["type"] as string | undefined) || "RollingUpdate";
  const { partition = 0, ...rest } = (given["rollingUpdate"] ?? {}) as JsonObject;
  const rolling = type === "RollingUpdate" ? { rollingUpdate: { partition, ...rest } } : {};
  const updateStrategy = { ...given, type, ...rolling };
  return { ...completed, spec: { ...specOf(completed), updateStrategy } };
}

function validateSpec(spec: StatefulSetSpec): Causes {
  const { ordinals, persistentVolumeClaimRetentionPolicy: retention, template } = spec;
  const here = "spec.persistentVolumeClaimRetentionPolicy";
  const policies = ["Delete", "Retain"];
  return [
    ...requiredOneOf("spec.podManagementPolicy", spec.podManagementPolicy, [
      "OrderedReady",
      "Parallel",
    ]),
    ...validateStrategy(spec),
    ...atLeast("spec.ordinals.start", ordinals?.start, 0),
    ...(retention === undefined
      ? []
      : [
          ...requiredOneOf(`${here}.whenDeleted`, retention.whenDeleted, policies),
          ...requiredOneOf(`${here}.whenScaled`, retention.whenScaled, policies),
        ]),
    ...(template?.spec?.activeDeadlineSeconds === undefined
      ? []
      : [
          forbidden(
            "spec.template.spec.activeDeadlineSeconds",
            "activeDeadlineSeconds in StatefulSet is not Supported",
          ),
        ]),
  ];
}

function validateStrategy({ updateStrategy }: StatefulSetSpec): Causes {
  const { rollingUpdate, type } = updateStrategy;
  const here = "spec.updateStrategy";
  const wrongType = requiredOneOf(`${here}.type`, type, ["OnDelete", "RollingUpdate"]);
  if (wrongType.length > 0 || rollingUpdate === undefined) return wrongType;
  const path = `${here}.rollingUpdate`;
  if (type !== "RollingUpdate")
    return [invalid(path, rollingUpdate, `only allowed for updateStrategy 'RollingUpdate'`)];
  const { maxUnavailable, partition } = rollingUpdate;
  return [
    ...atLeast(`${path}.partition`, partition, 0),
    ...validateAmount(`${path}.maxUnavailable`, maxUnavailable, 100),
    ...(maxUnavailable === 0 || maxUnavailable === "0%"
      ? [invalid(`${path}.maxUnavailable`, maxUnavailable, "cannot be 0")]
      : []),
  ];
}

/** The template may mount what the claims will bring. */
function withClaimVolumes(object: JsonObject): JsonObject {
  const spec = specOf(object) as unknown as StatefulSetSpec;
  const { template, volumeClaimTemplates = [] } = spec;
  const claims = volumeClaimTemplates.map(({ metadata: { name } }) => ({
    name,
    persistentVolumeClaim: { claimName: name },
  }));
  const names = new Set(claims.map(({ name }) => name));
  const own = (template?.spec?.volumes ?? []).filter(({ name }) => !names.has(name));
  const completed = { ...template?.spec, volumes: [...own, ...claims] };
  const wider = { ...spec, template: { ...template, spec: completed } };
  return { ...object, spec: wider as unknown as JsonObject };
}

const CHANGEABLE = [
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
];

function validateUpdate(object: JsonObject, old: JsonObject): Causes {
  const fixed = (spec: JsonObject): JsonObject =>
    Object.fromEntries(
      Object.entries(spec).filter(([field]) => !CHANGEABLE.includes(field)),
    ) as JsonObject;
  if (isDeepStrictEqual(fixed(specOf(object)), fixed(specOf(old)))) return [];
  const [last, ...others] = CHANGEABLE.map((field) => `'${field}'`).toReversed();
  const list = `${others.toReversed().join(", ")} and ${last}`;
  return [
    forbidden("spec", `updates to statefulset spec for fields other than ${list} are forbidden`),
  ];
}
