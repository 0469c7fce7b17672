import { subdomainProblem } from "#lib/api/names";
import type { JsonObject } from "#lib/json";
import type {
  MutatingWebhook,
  ServiceReference,
  WebhookClientConfig,
} from "#proto/admissionregistration/v1";
import { conditionDeclarations } from "../../cel/admission.ts";
import { type Causes, duplicate, invalid, required } from "../causes.ts";
import {
  between,
  givenOf,
  labelSelector,
  nonEmpty,
  oneOf,
  repeats,
  requiredOneOf,
} from "../checks.ts";
import type { KindRules } from "../kind-rules.ts";
import { conditionCauses, conflicting, ruleCauses } from "./matching.ts";

const REVIEW_VERSIONS = ["v1", "v1beta1"];
const SIDE_EFFECTS = ["None", "NoneOnDryRun"];
const TIMEOUT_SECONDS = { min: 1, max: 30 };
const PORTS = { min: 1, max: 65_535 };

/** Both kinds: a validating webhook is a mutating one that is asked once. */
export const webhookRules: KindRules = {
  nameRule: "subdomain",
  validate(object: JsonObject): Causes {
    const { webhooks = [] } = object as { readonly webhooks?: readonly unknown[] };
    const all = webhooks as readonly MutatingWebhook[];
    const isTwice = repeats(all.map(({ name }) => name));
    return all.flatMap((hook, at) => [
      ...(isTwice[at] ? [duplicate(`webhooks[${at}].name`, hook.name)] : []),
      ...webhookCauses(hook, `webhooks[${at}]`),
    ]);
  },
};

function webhookCauses(hook: MutatingWebhook, path: string): Causes {
  const { admissionReviewVersions: versions = [], matchConditions = [], rules = [] } = hook;
  return [
    ...nameCauses(`${path}.name`, hook.name),
    ...versionCauses(`${path}.admissionReviewVersions`, versions),
    ...rules.flatMap((rule, at) => ruleCauses(`${path}.rules[${at}]`, rule)),
    ...oneOf(`${path}.failurePolicy`, hook.failurePolicy, ["Fail", "Ignore"]),
    ...oneOf(`${path}.matchPolicy`, hook.matchPolicy, ["Equivalent", "Exact"]),
    ...oneOf(`${path}.reinvocationPolicy`, hook.reinvocationPolicy, ["IfNeeded", "Never"]),
    ...requiredOneOf(`${path}.sideEffects`, hook.sideEffects, SIDE_EFFECTS),
    ...between(`${path}.timeoutSeconds`, hook.timeoutSeconds, TIMEOUT_SECONDS),
    ...labelSelector(hook.namespaceSelector, `${path}.namespaceSelector`),
    ...labelSelector(hook.objectSelector, `${path}.objectSelector`),
    ...clientCauses(`${path}.clientConfig`, hook.clientConfig),
    ...conditionCauses(`${path}.matchConditions`, matchConditions, conditionDeclarations),
  ];
}

function nameCauses(path: string, name: string): Causes {
  if (name === "") return [required(path)];
  const problem = subdomainProblem(name);
  if (problem !== undefined) return [invalid(path, name, problem)];
  if (name.split(".").length >= 3) return [];
  return [invalid(path, name, "should be a domain with at least three segments separated by dots")];
}

function versionCauses(path: string, versions: readonly string[]): Causes {
  if (versions.length === 0) return [required(path, "must specify one of v1, v1beta1")];
  if (versions.some((version) => REVIEW_VERSIONS.includes(version))) return [];
  const known = REVIEW_VERSIONS.join(", ");
  return [invalid(path, versions, `must include at least one of ${known}`)];
}

function clientCauses(path: string, client: WebhookClientConfig): Causes {
  const { service, url } = client;
  return [
    ...conflicting(path, ["url", "service"], givenOf(client, ["url", "service"])),
    ...(url === undefined ? [] : urlCauses(`${path}.url`, url)),
    ...(service === undefined ? [] : serviceCauses(`${path}.service`, service)),
  ];
}

export function urlCauses(path: string, text: string): Causes {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined)
    return [invalid(path, text, "url must be a valid URL: https://host[:port]/path")];
  const wrong = (part: string, found: string, why: string) =>
    found === "" ? [] : [invalid(path, found, `${part} ${why}; ${FORM}`)];
  return [
    ...(url.protocol === "https:"
      ? []
      : [
          invalid(
            path,
            url.protocol.slice(0, -1),
            `'https' is the only allowed URL scheme; ${FORM}`,
          ),
        ]),
    ...wrong("host", url.hostname === "" ? text : "", "must be specified"),
    ...wrong("user information", url.username, "is not permitted in the URL"),
    ...wrong("fragments", url.hash, "are not permitted in the URL"),
    ...wrong("query parameters", url.search, "are not permitted in the URL"),
  ];
}
const FORM = "desired format: https://host[:port]/path";

function serviceCauses(path: string, service: ServiceReference): Causes {
  const { name, namespace, path: at, port } = service;
  const steps = at === undefined || at === "" || at === "/" ? [] : at.slice(1).split("/");
  const problem =
    at !== undefined && !at.startsWith("/")
      ? "must start with a '/'"
      : steps.slice(0, at?.endsWith("/") ? -1 : undefined).includes("")
        ? "segment may not be empty"
        : undefined;
  return [
    ...nonEmpty(`${path}.name`, name, "service name is required"),
    ...nonEmpty(`${path}.namespace`, namespace, "service namespace is required"),
    ...(problem === undefined ? [] : [invalid(`${path}.path`, at, problem)]),
    ...between(`${path}.port`, port, PORTS),
  ];
}
