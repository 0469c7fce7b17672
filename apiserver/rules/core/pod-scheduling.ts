import { labelKeyProblem, subdomainProblem } from "#lib/api/names";
import type { NodeSelector, Pod } from "#proto/core/v1";
import { type Causes, duplicate, forbidden, invalid, required } from "../causes.ts";
import {
  atLeast,
  between,
  labelSelector,
  named,
  nonEmpty,
  oneOf,
  repeats,
  requiredOneOf,
  valuesFor,
} from "../checks.ts";
import { validateLabels } from "../metadata.ts";

type Spec = Pod["spec"];
type Affinity = NonNullable<Spec["affinity"]>;
type NodeTerm = NodeSelector["nodeSelectorTerms"][number];
type PodTerms = NonNullable<Affinity["podAffinity"]>;
type PodTerm = NonNullable<PodTerms["requiredDuringSchedulingIgnoredDuringExecution"]>[number];

const REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution";
const WEIGHT = { min: 1, max: 100 };
const NODE_OPERATORS = ["DoesNotExist", "Exists", "Gt", "In", "Lt", "NotIn"];
const UNSATISFIABLE = ["DoNotSchedule", "ScheduleAnyway"];
const INCLUSION = ["Honor", "Ignore"];
const PREEMPTION = ["Never", "PreemptLowerPriority"];

/** Where a pod may and would like to run. */
export function validateScheduling(pod: Spec, path: string): Causes {
  const { affinity = {}, nodeName = "", schedulingGates = [] } = pod;
  const gatedButPlaced =
    nodeName !== "" && schedulingGates.length > 0
      ? [forbidden(`${path}.nodeName`, "cannot be set until all schedulingGates have been cleared")]
      : [];
  return [
    ...gatedButPlaced,
    ...named(`${path}.nodeName`, nodeName, subdomainProblem),
    ...oneOf(`${path}.preemptionPolicy`, pod.preemptionPolicy, PREEMPTION),
    ...validateLabels(pod.nodeSelector, `${path}.nodeSelector`),
    ...validateNodeAffinity(affinity.nodeAffinity, `${path}.affinity.nodeAffinity`),
    ...validatePodAffinity(affinity.podAffinity, `${path}.affinity.podAffinity`),
    ...validatePodAffinity(affinity.podAntiAffinity, `${path}.affinity.podAntiAffinity`),
    ...validateSpread(pod.topologySpreadConstraints ?? [], `${path}.topologySpreadConstraints`),
  ];
}

function validateNodeAffinity(affinity: Affinity["nodeAffinity"], path: string): Causes {
  const hard = affinity?.[REQUIRED];
  const soft = affinity?.[PREFERRED] ?? [];
  return [
    ...(hard === undefined ? [] : validateNodeSelector(hard, `${path}.${REQUIRED}`)),
    ...soft.flatMap(({ preference, weight }, at) => [
      ...between(`${path}.${PREFERRED}[${at}].weight`, weight ?? 0, WEIGHT),
      ...nodeTerm(preference ?? {}, `${path}.${PREFERRED}[${at}].preference`),
    ]),
  ];
}

/** Also of volumes that can be reached from some nodes only. */
export function validateNodeSelector(
  { nodeSelectorTerms = [] }: Partial<NodeSelector>,
  path: string,
): Causes {
  const here = `${path}.nodeSelectorTerms`;
  if (nodeSelectorTerms.length === 0)
    return [required(here, "must have at least one node selector term")];
  return nodeSelectorTerms.flatMap((term, at) => nodeTerm(term, `${here}[${at}]`));
}

function nodeTerm(term: NodeTerm, path: string): Causes {
  const expressions = (term.matchExpressions ?? []).flatMap((each, at) => {
    const here = `${path}.matchExpressions[${at}]`;
    return [
      ...nodeRequirement(each, here),
      ...nonEmpty(`${here}.key`, each.key),
      ...named(`${here}.key`, each.key, labelKeyProblem),
    ];
  });
  const fields = (term.matchFields ?? []).flatMap(({ key = "", operator, values = [] }, at) => {
    const here = `${path}.matchFields[${at}]`;
    if (key !== "metadata.name")
      return [invalid(`${here}.key`, key, "not a valid field selector key")];
    if (operator !== "In" && operator !== "NotIn")
      return [invalid(`${here}.operator`, operator, "not a valid selector operator")];
    return values.length === 1
      ? []
      : [
          required(
            `${here}.values`,
            "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
          ),
        ];
  });
  return [...expressions, ...fields];
}

function nodeRequirement(
  { operator, values = [] }: { readonly operator: string; readonly values?: readonly string[] },
  path: string,
): Causes {
  if (!NODE_OPERATORS.includes(operator))
    return [invalid(`${path}.operator`, operator, "not a valid selector operator")];
  if (operator !== "Gt" && operator !== "Lt") return valuesFor(path, operator, values);
  return values.length === 1
    ? []
    : [
        required(
          `${path}.values`,
          "must be specified single value when `operator` is 'Lt' or 'Gt'",
        ),
      ];
}

function validatePodAffinity(affinity: PodTerms | undefined, path: string): Causes {
  return [
    ...(affinity?.[REQUIRED] ?? []).flatMap((term, at) =>
      podTerm(term, `${path}.${REQUIRED}[${at}]`),
    ),
    ...(affinity?.[PREFERRED] ?? []).flatMap(({ podAffinityTerm, weight }, at) => [
      ...between(`${path}.${PREFERRED}[${at}].weight`, weight ?? 0, WEIGHT),
      ...podTerm(
        podAffinityTerm ?? { topologyKey: "" },
        `${path}.${PREFERRED}[${at}].podAffinityTerm`,
      ),
    ]),
  ];
}

function podTerm(term: PodTerm, path: string): Causes {
  return [
    ...labelSelector(term.labelSelector, `${path}.labelSelector`),
    ...labelSelector(term.namespaceSelector, `${path}.namespaceSelector`),
    ...nonEmpty(`${path}.topologyKey`, term.topologyKey, "can not be empty"),
    ...named(`${path}.topologyKey`, term.topologyKey, labelKeyProblem),
  ];
}

function validateSpread(
  constraints: NonNullable<Spec["topologySpreadConstraints"]>,
  path: string,
): Causes {
  const isTwice = repeats(
    constraints.map(({ topologyKey, whenUnsatisfiable }) => `${topologyKey} ${whenUnsatisfiable}`),
  );
  return constraints.flatMap((each, at) => {
    const here = `${path}[${at}]`;
    const { minDomains, topologyKey = "", whenUnsatisfiable } = each;
    const soft = minDomains !== undefined && whenUnsatisfiable !== "DoNotSchedule";
    return [
      ...atLeast(`${here}.maxSkew`, each.maxSkew ?? 0, 1),
      ...nonEmpty(`${here}.topologyKey`, topologyKey, "can not be empty"),
      ...named(`${here}.topologyKey`, topologyKey, labelKeyProblem),
      ...requiredOneOf(`${here}.whenUnsatisfiable`, whenUnsatisfiable, UNSATISFIABLE),
      ...atLeast(`${here}.minDomains`, minDomains, 1),
      ...(soft
        ? [
            invalid(
              `${here}.minDomains`,
              minDomains,
              `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`,
            ),
          ]
        : []),
      ...oneOf(`${here}.nodeAffinityPolicy`, each.nodeAffinityPolicy, INCLUSION),
      ...oneOf(`${here}.nodeTaintsPolicy`, each.nodeTaintsPolicy, INCLUSION),
      ...labelSelector(each.labelSelector, `${here}.labelSelector`),
      ...(isTwice[at]
        ? [
            duplicate(
              `${here}.{topologyKey, whenUnsatisfiable}`,
              `{${topologyKey}, ${whenUnsatisfiable}}`,
            ),
          ]
        : []),
    ];
  });
}
