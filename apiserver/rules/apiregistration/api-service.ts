import { nameProblem, subdomainProblem } from "#lib/api/names";
import type { JsonObject } from "#lib/json";
import type { APIService, APIServiceSpec } from "#proto/apiregistration/v1";
import { LOCAL } from "../../aggregation/conditions.ts";
import { BUILT_IN_PRIORITIES } from "../../aggregation/priorities.ts";
import { type Causes, forbidden, invalid, required } from "../causes.ts";
import { named, nonEmpty, oneOf } from "../checks.ts";
import { type KindRules, specOf } from "../kind-rules.ts";

const GROUP_PRIORITY_MAX = 20_000;
const VERSION_PRIORITY_MAX = 1000;
const PORT_MAX = 65_535;
const STATUSES = ["False", "True", "Unknown"];

export const apiServiceRules: KindRules = {
  // The core group's is `v1.`, which is no domain.
  nameRule: "path",
  // What is served here needs no look.
  firstStatus(object) {
    const { metadata, spec } = object as unknown as APIService;
    if (spec.service !== undefined) return {};
    return {
      conditions: [{ ...LOCAL, lastTransitionTime: metadata.creationTimestamp ?? null }],
    };
  },
  validate(object) {
    const { name = "" } = object["metadata"] as { readonly name?: string };
    const spec = specOf(object) as unknown as APIServiceSpec;
    const { group = "", version = "" } = spec;
    const expected = `${version}.${group}`;
    const why = `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(expected)}`;
    return [
      ...(name === expected ? [] : [invalid("metadata.name", name, why)]),
      ...groupVersion(group, version),
      ...priority("groupPriorityMinimum", spec.groupPriorityMinimum, GROUP_PRIORITY_MAX),
      ...priority("versionPriority", spec.versionPriority, VERSION_PRIORITY_MAX),
      ...(spec.service === undefined ? local(spec) : remote(spec)),
    ];
  },
  parts: {
    status: {
      take(object, old) {
        return { ...old, status: object["status"] ?? {} };
      },
      validate: (object) => conditions(object),
    },
  },
};

function groupVersion(group: string, version: string): Causes {
  const isNameless = group === "" && version !== "v1";
  return [
    ...(isNameless ? [required("spec.group", "only v1 may have an empty group")] : []),
    ...named("spec.group", group, subdomainProblem),
    ...nonEmpty("spec.version", version),
    ...named("spec.version", version, (value) => nameProblem(value, "service")),
  ];
}

function priority(field: string, value: number | undefined, max: number): Causes {
  const given = value ?? 0;
  if (given > 0 && given <= max) return [];
  return [invalid(`spec.${field}`, given, `must be positive and not more than ${max}`)];
}

function local({ caBundle = "", insecureSkipTLSVerify = false }: APIServiceSpec): Causes {
  const bytes = `${Buffer.from(caBundle, "base64").length} bytes`;
  const field = "insecureSkipTLSVerify";
  return [
    ...(caBundle === ""
      ? []
      : [invalid("spec.caBundle", bytes, "local APIServices may not have a caBundle")]),
    ...(insecureSkipTLSVerify
      ? [invalid(`spec.${field}`, true, `local APIServices may not have ${field}`)]
      : []),
  ];
}

function remote({ caBundle = "", service = {}, ...spec }: APIServiceSpec): Causes {
  const { name, namespace, port = 0 } = service;
  const { group = "", insecureSkipTLSVerify = false, version = "" } = spec;
  const groupVersion = group === "" ? version : `${group}/${version}`;
  return [
    ...nonEmpty("spec.service.namespace", namespace),
    ...nonEmpty("spec.service.name", name),
    ...(port > 0 && port <= PORT_MAX
      ? []
      : [invalid("spec.service.port", port, "port is not valid: must be between 1 and 65535")]),
    ...(insecureSkipTLSVerify && caBundle !== ""
      ? [invalid("spec.insecureSkipTLSVerify", true, "may not be true if caBundle is present")]
      : []),
    // Kubernetes lets one do it, and the cluster is then without its own API.
    ...(BUILT_IN_PRIORITIES.has(groupVersion)
      ? [forbidden("spec.service", `${groupVersion} is built in and served by nobody else`)]
      : []),
  ];
}

function conditions(object: JsonObject): Causes {
  const { conditions: all = [] } = (object as unknown as APIService).status ?? {};
  return all.flatMap(({ status }, at) =>
    oneOf(`status.conditions[${at}].status`, status, STATUSES),
  );
}
