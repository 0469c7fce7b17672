import { labelKeyProblem } from "#lib/api/names";
import type { Pod } from "#proto/core/v1";
import { type Causes, invalid, unsupported } from "../causes.ts";
import { named } from "../checks.ts";

type Toleration = NonNullable<Pod["spec"]["tolerations"]>[number];

const OPERATORS = ["Equal", "Exists", "Gt", "Lt"];
const EFFECTS = ["NoExecute", "NoSchedule", "PreferNoSchedule"];

export function validateTolerations(tolerations: readonly Toleration[], path: string): Causes {
  return tolerations.flatMap((each, at) => {
    const here = `${path}[${at}]`;
    const { effect = "", key = "", tolerationSeconds } = each;
    return [
      ...named(`${here}.key`, key, labelKeyProblem),
      ...validateOperator(each, here),
      ...(effect === "" || EFFECTS.includes(effect)
        ? []
        : [unsupported(`${here}.effect`, effect, EFFECTS)]),
      ...(tolerationSeconds !== undefined && effect !== "NoExecute"
        ? [
            invalid(
              `${here}.effect`,
              effect,
              "effect must be 'NoExecute' when `tolerationSeconds` is set",
            ),
          ]
        : []),
    ];
  });
}

function validateOperator({ key = "", operator, value = "" }: Toleration, path: string): Causes {
  // Without an operator it is Equal.
  const wanted: string = operator || "Equal";
  const here = `${path}.operator`;
  if (!OPERATORS.includes(wanted)) return [unsupported(here, wanted, OPERATORS)];
  if (key === "" && wanted !== "Exists") {
    return [
      invalid(
        here,
        operator ?? "",
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ),
    ];
  }
  return wanted === "Exists" && value !== ""
    ? [invalid(here, value, "value must be empty when `operator` is 'Exists'")]
    : [];
}
