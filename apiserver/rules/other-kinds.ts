import type { JsonObject } from "#lib/json";
import { type Causes, forbidden, invalid, required, unsupported } from "./causes.ts";
import type { KindRules } from "./kind-rules.ts";

const ADDRESS_TYPES = ["FQDN", "IPv4", "IPv6"];

export const endpointSliceRules: KindRules = {
  nameRule: "subdomain",
  validate(object) {
    const type = String(object["addressType"] ?? "");
    if (type === "") return [required("addressType")];
    return ADDRESS_TYPES.includes(type) ? [] : [unsupported("addressType", type, ADDRESS_TYPES)];
  },
  validateUpdate: (object, old) =>
    object["addressType"] === old["addressType"]
      ? []
      : [invalid("addressType", object["addressType"], "field is immutable")],
};

/** Users' classes may not outrank the system's. */
const USER_PRIORITY_MAX = 1_000_000_000;

export const priorityClassRules: KindRules = {
  nameRule: "subdomain",
  validate(object) {
    const { name = "" } = object["metadata"] as { readonly name?: string };
    const value = Number(object["value"] ?? 0);
    if (name.startsWith("system-")) {
      return ["system-node-critical", "system-cluster-critical"].includes(name)
        ? []
        : [
            forbidden(
              "metadata.name",
              "priority class names with 'system-' prefix are reserved for system use only",
            ),
          ];
    }
    return value <= USER_PRIORITY_MAX
      ? []
      : [
          forbidden(
            "value",
            `maximum allowed value of a user defined priority is ${USER_PRIORITY_MAX}`,
          ),
        ];
  },
  validateUpdate: (object, old) =>
    object["value"] === old["value"]
      ? []
      : [forbidden("value", "may not be changed in an update.")],
};

const SUBJECTS = ["Group", "ServiceAccount", "User"];

export const rbacRules: KindRules = {
  nameRule: "path",
  validate(object) {
    const rules = (object["rules"] ?? []) as readonly JsonObject[];
    const subjects = (object["subjects"] ?? []) as readonly JsonObject[];
    return [...rules.flatMap(validateRule), ...subjects.flatMap(validateSubject)];
  },
  validateUpdate(object, old) {
    const before = JSON.stringify(old["roleRef"]);
    if (JSON.stringify(object["roleRef"]) === before) return [];
    return [invalid("roleRef", object["roleRef"], "cannot change roleRef")];
  },
};

function validateRule(rule: JsonObject, at: number): Causes {
  const path = `rules[${at}]`;
  const list = (field: string): readonly string[] => (rule[field] ?? []) as readonly string[];
  if (list("verbs").length === 0)
    return [required(`${path}.verbs`, "verbs must contain at least one value")];
  if (list("nonResourceURLs").length > 0) {
    const mixed =
      list("apiGroups").length + list("resources").length + list("resourceNames").length > 0;
    return mixed
      ? [
          invalid(
            `${path}.nonResourceURLs`,
            rule["nonResourceURLs"],
            "rules cannot apply to both regular resources and non-resource URLs",
          ),
        ]
      : [];
  }
  return [
    ...(list("apiGroups").length > 0
      ? []
      : [required(`${path}.apiGroups`, "resource rules must supply at least one api group")]),
    ...(list("resources").length > 0
      ? []
      : [required(`${path}.resources`, "resource rules must supply at least one resource")]),
  ];
}

function validateSubject(subject: JsonObject, at: number): Causes {
  const path = `subjects[${at}]`;
  const kind = String(subject["kind"] ?? "");
  if (!SUBJECTS.includes(kind)) return [unsupported(`${path}.kind`, kind, SUBJECTS)];
  if ((subject["name"] ?? "") === "") return [required(`${path}.name`)];
  return kind === "ServiceAccount" && (subject["namespace"] ?? "") === ""
    ? [required(`${path}.namespace`)]
    : [];
}
