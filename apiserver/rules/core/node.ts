import { isIP } from "node:net";
import { labelKeyProblem, labelValueProblem } from "#lib/api/names";
import type { JsonObject } from "#lib/json";
import type { Node } from "#proto/core/v1";
import { type Causes, duplicate, forbidden, invalid } from "../causes.ts";
import { named, nonEmpty, repeats, requiredOneOf } from "../checks.ts";
import { type KindRules, specOf } from "../kind-rules.ts";

type Taint = NonNullable<Node["spec"]["taints"]>[number];

const EFFECTS = ["NoExecute", "NoSchedule", "PreferNoSchedule"];

export const nodeRules: KindRules = {
  nameRule: "subdomain",
  validate(object) {
    const { podCIDRs = [], taints = [] } = specOf(object) as unknown as Node["spec"];
    return [
      ...validateTaints(taints),
      ...podCIDRs.flatMap((cidr, at) => validateCidr(`spec.podCIDRs[${at}]`, cidr)),
    ];
  },
  validateUpdate: (object, old) =>
    ["podCIDR", "podCIDRs", "providerID"].flatMap((field) => onceSet(object, old, field)),
};

function validateTaints(taints: readonly Taint[]): Causes {
  const isTwice = repeats(taints.map(({ effect, key }) => `${key} ${effect}`));
  return taints.flatMap((taint, at) => {
    const here = `spec.taints[${at}]`;
    const { effect, key, value } = taint;
    return [
      ...nonEmpty(`${here}.key`, key),
      ...named(`${here}.key`, key, labelKeyProblem),
      ...named(`${here}.value`, value, labelValueProblem),
      ...requiredOneOf(`${here}.effect`, effect, EFFECTS),
      ...(isTwice[at] ? [duplicate(here, { key, effect })] : []),
    ];
  });
}

/** Pods of the node have addresses of its range already. */
function onceSet(object: JsonObject, old: JsonObject, field: string): Causes {
  const before = specOf(old)[field];
  if (before === undefined || before === "") return [];
  return JSON.stringify(specOf(object)[field]) === JSON.stringify(before)
    ? []
    : [forbidden(`spec.${field}`, "node updates may not change it once it is set")];
}

export function validateCidr(path: string, cidr: string): Causes {
  const [address = "", bits = ""] = cidr.split("/");
  const version = isIP(address);
  const most = version === 4 ? 32 : 128;
  if (version !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= most) return [];
  return [invalid(path, cidr, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")];
}
