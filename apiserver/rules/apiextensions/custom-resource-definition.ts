import { labelNameProblem, nameProblem, subdomainProblem } from "#lib/api/names";
import type { JsonObject } from "#lib/json";
import type { StatusCause } from "#lib/status-error";
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
  JSONSchemaProps,
} from "#proto/apiextensions/v1";
import { compileRules } from "../../custom/rules/compile-rules.ts";
import { structuralProblems } from "../../custom/schema/structural.ts";
import { type Causes, duplicate, invalid, required } from "../causes.ts";
import { named, nonEmpty, repeats, requiredOneOf } from "../checks.ts";
import { type KindRules, specOf } from "../kind-rules.ts";
import { columnProblems, selectableProblems, subresourceProblems } from "./additions.ts";
import { conversionProblems } from "./conversion.ts";

const APPROVED = "api-approved.kubernetes.io";

export const customResourceDefinitionRules: KindRules = {
  nameRule: "subdomain",
  complete: (object) => ({ ...object, spec: completeSpec(specOf(object)) }),
  firstStatus: (object) => {
    const { versions } = (object as unknown as CustomResourceDefinition).spec;
    return {
      conditions: [],
      acceptedNames: { plural: "", kind: "" },
      storedVersions: versions.filter(({ storage }) => storage).map(({ name }) => name),
    };
  },
  validate: (object) => {
    const { metadata, spec } = object as unknown as CustomResourceDefinition;
    const name = `${spec.names.plural}.${spec.group}`;
    return [
      ...(metadata.name === name
        ? []
        : [invalid("metadata.name", metadata.name, 'must be spec.names.plural+"."+spec.group')]),
      ...approvalProblems(spec.group, metadata.annotations ?? {}),
      ...specProblems(spec),
    ];
  },
  validateUpdate: (object, old) =>
    changeProblems(
      object as unknown as CustomResourceDefinition,
      old as unknown as CustomResourceDefinition,
    ),
};

function completeSpec(spec: JsonObject): JsonObject {
  const names = (spec["names"] ?? {}) as unknown as CustomResourceDefinitionNames;
  const { kind = "", listKind, singular } = names;
  return {
    ...spec,
    names: {
      ...(names as unknown as JsonObject),
      ...(kind === ""
        ? {}
        : { singular: singular ?? kind.toLowerCase(), listKind: listKind ?? `${kind}List` }),
    },
    conversion: spec["conversion"] ?? { strategy: "None" },
  };
}

/** Names in Kubernetes' own domains are its community's to give. */
function approvalProblems(group: string, annotations: Readonly<Record<string, string>>): Causes {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(group)) return [];
  const value = annotations[APPROVED] ?? "";
  const at = `metadata.annotations[${APPROVED}]`;
  if (value === "") {
    const why = `protected groups must have approval annotation "${APPROVED}", see https://github.com/kubernetes/enhancements/pull/1111`;
    return [required(at, why)];
  }
  if (value.startsWith("unapproved") || URL.canParse(value)) return [];
  return [invalid(at, value, 'must be a URL, or a text that starts with "unapproved"')];
}

function specProblems(spec: CustomResourceDefinitionSpec): Causes {
  const { group, names, scope, versions } = spec;
  return [
    ...nonEmpty("spec.group", group),
    ...named("spec.group", group, subdomainProblem),
    ...(group !== "" && !group.includes(".")
      ? [invalid("spec.group", group, "should be a domain with at least one dot")]
      : []),
    ...requiredOneOf("spec.scope", scope, ["Cluster", "Namespaced"]),
    ...nameProblems(names),
    ...versionsProblems(versions),
    ...versions.flatMap((version, at) => versionProblems(version, `spec.versions[${at}]`)),
    ...conversionProblems(spec.conversion, "spec.conversion"),
    ...(spec.preserveUnknownFields
      ? [
          invalid(
            "spec.preserveUnknownFields",
            true,
            "must be false in order to use defaults in the schema",
          ),
        ]
      : []),
  ];
}

const label1035 = (name: string): string | undefined => nameProblem(name, "service");
const kindProblem = (kind: string): string | undefined => label1035(kind.toLowerCase());

function nameProblems(names: CustomResourceDefinitionNames): Causes {
  const { categories = [], kind, listKind, plural, shortNames = [], singular } = names;
  const at = "spec.names";
  return [
    ...nonEmpty(`${at}.plural`, plural),
    ...named(`${at}.plural`, plural, label1035),
    ...named(`${at}.singular`, singular, label1035),
    ...shortNames.flatMap((each, index) => named(`${at}.shortNames[${index}]`, each, label1035)),
    ...nonEmpty(`${at}.kind`, kind),
    ...named(`${at}.kind`, kind, kindProblem),
    ...named(`${at}.listKind`, listKind, kindProblem),
    ...(kind !== "" && kind === listKind
      ? [invalid(`${at}.listKind`, listKind, "kind and listKind may not be the same")]
      : []),
    ...categories.flatMap((each, index) =>
      named(`${at}.categories[${index}]`, each, labelNameProblem),
    ),
  ];
}

function versionsProblems(versions: readonly CustomResourceDefinitionVersion[]): Causes {
  const causes: StatusCause[] = [];
  const names = versions.map(({ name }) => name);
  const isTwice = repeats(names);
  for (const [at, name] of names.entries()) {
    if (isTwice[at]) causes.push(duplicate(`spec.versions[${at}].name`, name));
  }
  const stored = versions.filter(({ storage }) => storage).length;
  if (stored !== 1)
    causes.push(
      invalid("spec.versions", names, "must have exactly one version marked as storage version"),
    );
  return causes;
}

function versionProblems(version: CustomResourceDefinitionVersion, path: string): Causes {
  const { deprecated, deprecationWarning, name, schema } = version;
  const root = schema?.openAPIV3Schema;
  const at = `${path}.schema.openAPIV3Schema`;
  return [
    ...nonEmpty(`${path}.name`, name),
    ...named(`${path}.name`, name, label1035),
    ...(deprecationWarning !== undefined && !deprecated
      ? [
          invalid(
            `${path}.deprecationWarning`,
            deprecationWarning,
            "can only be set for deprecated versions",
          ),
        ]
      : []),
    ...(root === undefined ? [required(at, "schemas are required")] : schemaProblems(root, at)),
    ...subresourceProblems(version.subresources, `${path}.subresources`),
    ...columnProblems(version.additionalPrinterColumns, `${path}.additionalPrinterColumns`),
    ...selectableProblems(version.selectableFields, root, `${path}.selectableFields`),
  ];
}

/** Rules can be compiled only against a schema that is well. */
function schemaProblems(schema: JSONSchemaProps, path: string): Causes {
  const structural = structuralProblems(schema, path);
  return structural.length > 0 ? structural : compileRules(schema, path).problems;
}

function changeProblems(now: CustomResourceDefinition, old: CustomResourceDefinition): Causes {
  const fixed = [
    ["spec.group", now.spec.group, old.spec.group],
    ["spec.names.plural", now.spec.names.plural, old.spec.names.plural],
    ["spec.names.kind", now.spec.names.kind, old.spec.names.kind],
    ["spec.scope", now.spec.scope, old.spec.scope],
  ] as const;
  const names = now.spec.versions.map(({ name }) => name);
  return [
    ...fixed
      .filter(([, value, before]) => value !== before)
      .map(([path, value]) => invalid(path, value, "field is immutable")),
    ...old.status.storedVersions.flatMap((version, at) =>
      names.includes(version)
        ? []
        : [
            invalid(
              `status.storedVersions[${at}]`,
              version,
              "missing from spec.versions; migrate its objects, and take it out of status.storedVersions first",
            ),
          ],
    ),
  ];
}
