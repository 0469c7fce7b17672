/** A policy file, strictly: a rule that is not as it was meant would leave holes in the log. */
import { type ConfigNode, checkKind, readConfig } from "#lib/config-document";
import {
  type GroupResources,
  LEVELS,
  type Policy,
  type PolicyRule,
  STAGES,
  type Stage,
} from "./policy.ts";

const GROUP = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Throws a ConfigError that names lines and fields. `file` is the file's name. */
export function parsePolicy(file: string, text: string): Policy {
  return readConfig(file, text, (root) => {
    checkKind(root, "Policy", ["audit.k8s.io/v1"]);
    root.field("metadata");
    const rules = root.required("rules")?.items ?? [];
    const policy: Policy = {
      rules: rules.map(ruleOf),
      omitStages: stagesOf(root),
      omitManagedFields: root.field("omitManagedFields")?.boolean ?? false,
    };
    root.end();
    if (root.field("rules") !== undefined && rules.length === 0)
      root.problem("rules: Required value: without a rule nothing is recorded");
    return policy;
  });
}

function ruleOf(node: ConfigNode): PolicyRule {
  const omitManagedFields = node.field("omitManagedFields")?.boolean;
  const rule: PolicyRule = {
    level: node.required("level")?.word(LEVELS) ?? "None",
    users: textsOf(node, "users"),
    userGroups: textsOf(node, "userGroups"),
    verbs: textsOf(node, "verbs"),
    resources: (node.field("resources")?.items ?? []).map(groupOf),
    namespaces: textsOf(node, "namespaces"),
    nonResourceURLs: (node.field("nonResourceURLs")?.items ?? []).map(urlOf),
    omitStages: stagesOf(node),
    ...(omitManagedFields === undefined ? {} : { omitManagedFields }),
  };
  node.end();
  const isOfObjects = rule.resources.length > 0 || rule.namespaces.length > 0;
  if (isOfObjects && rule.nonResourceURLs.length > 0)
    node
      .field("nonResourceURLs")
      ?.problem("Invalid value: a rule is about resources and namespaces, or about URLs: make two");
  return rule;
}

function groupOf(node: ConfigNode): GroupResources {
  const groupNode = node.field("group");
  const group = groupNode?.text ?? "";
  if (group !== "" && !GROUP.test(group))
    groupNode?.problem(
      `Invalid value: ${JSON.stringify(group)}: must be a group without its version, as "apps"; "" is the core group`,
    );
  const resources = textsOf(node, "resources");
  const resourceNames = textsOf(node, "resourceNames");
  node.end();
  if (resourceNames.length > 0 && resources.length === 0)
    node
      .field("resourceNames")
      ?.problem("Invalid value: using resourceNames requires at least one resource");
  return { group, resources, resourceNames };
}

function urlOf(node: ConfigNode): string {
  const url = node.text;
  if (url !== "*" && !url.startsWith("/"))
    node.problem(`Invalid value: ${JSON.stringify(url)}: must begin with "/", or be "*"`);
  if (url.slice(0, -1).includes("*"))
    node.problem(`Invalid value: ${JSON.stringify(url)}: "*" may only stand at the end`);
  return url;
}

function stagesOf(node: ConfigNode): readonly Stage[] {
  return (node.field("omitStages")?.items ?? []).flatMap((item) => item.word(STAGES) ?? []);
}

function textsOf(node: ConfigNode, name: string): readonly string[] {
  return node.field(name)?.texts ?? [];
}
