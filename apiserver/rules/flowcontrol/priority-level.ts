import type { JsonObject } from "#lib/json";
import { sameJson } from "#lib/same-json";
import type {
  LimitedPriorityLevelConfiguration,
  LimitResponse,
  PriorityLevelConfigurationSpec,
  QueuingConfiguration,
} from "#proto/flowcontrol/v1";
import { DEFAULT_LEVELS, EXEMPT, mandatorySpec } from "../../fairness/default-objects.ts";
import { ENTROPY_BITS_MAX, entropyBits } from "../../fairness/hand.ts";
import { type Causes, forbidden, invalid, required, unsupported } from "../causes.ts";
import { atLeast, between } from "../checks.ts";
import { type KindRules, specOf } from "../kind-rules.ts";
import { conditionsPart } from "./conditions.ts";

const TYPES = ["Exempt", "Limited"];
const RESPONSES = ["Queue", "Reject"];
const QUEUES_MAX = 10_000_000;
const PERCENT = { min: 0, max: 100 };
const SPEC = "spec";

export const priorityLevelRules: KindRules = {
  nameRule: "subdomain",
  firstStatus: () => ({}),
  complete(object) {
    const spec = specOf(object);
    const limited = spec["limited"] as JsonObject | undefined;
    const exempt = spec["exempt"] as JsonObject | undefined;
    return {
      ...object,
      spec: {
        ...spec,
        ...(limited === undefined ? {} : { limited: completeLimited(limited) }),
        ...(exempt === undefined
          ? {}
          : { exempt: { nominalConcurrencyShares: 0, lendablePercent: 0, ...exempt } }),
      },
    };
  },
  validate(object) {
    const { name = "" } = object["metadata"] as { readonly name?: string };
    const spec = specOf(object);
    return [
      ...specCauses(name, spec as unknown as PriorityLevelConfigurationSpec),
      ...fixedCauses(name, spec),
    ];
  },
  parts: { status: conditionsPart },
};

/** What is left out; zero is a value of its own for shares and percents, and for queues stands for nothing said. */
function completeLimited(limited: JsonObject): JsonObject {
  const response = limited["limitResponse"] as JsonObject | undefined;
  const queuing = response?.["queuing"] as JsonObject | undefined;
  return {
    ...limited,
    nominalConcurrencyShares: limited["nominalConcurrencyShares"] ?? 30,
    lendablePercent: limited["lendablePercent"] ?? 0,
    ...(queuing === undefined
      ? {}
      : {
          limitResponse: {
            ...response,
            queuing: {
              ...queuing,
              queues: queuing["queues"] || 64,
              handSize: queuing["handSize"] || 8,
              queueLengthLimit: queuing["queueLengthLimit"] || 50,
            },
          },
        }),
  };
}

function specCauses(name: string, spec: PriorityLevelConfigurationSpec): Causes {
  const { exempt, limited, type } = spec;
  if (!TYPES.includes(type)) return [unsupported("spec.type", type, TYPES)];
  if ((name === EXEMPT) !== (type === "Exempt"))
    return [invalid("spec.type", type, `the level "${EXEMPT}" is Exempt, and no other is`)];
  if (type === "Exempt") {
    const path = "spec.exempt";
    return [
      ...(limited === undefined ? [] : [forbidden("spec.limited", "an Exempt level has none")]),
      ...atLeast(`${path}.nominalConcurrencyShares`, exempt?.nominalConcurrencyShares, 0),
      ...between(`${path}.lendablePercent`, exempt?.lendablePercent, PERCENT),
    ];
  }
  return [
    ...(exempt === undefined ? [] : [forbidden("spec.exempt", "a Limited level has none")]),
    ...(limited === undefined
      ? [required("spec.limited", "a Limited level needs it")]
      : limitedCauses("spec.limited", limited)),
  ];
}

function limitedCauses(path: string, limited: LimitedPriorityLevelConfiguration): Causes {
  const { borrowingLimitPercent, lendablePercent, limitResponse } = limited;
  return [
    ...atLeast(`${path}.nominalConcurrencyShares`, limited.nominalConcurrencyShares, 0),
    ...between(`${path}.lendablePercent`, lendablePercent, PERCENT),
    ...atLeast(`${path}.borrowingLimitPercent`, borrowingLimitPercent, 0),
    ...responseCauses(`${path}.limitResponse`, limitResponse),
  ];
}

function responseCauses(path: string, response: LimitResponse | undefined): Causes {
  const { queuing, type = "" } = response ?? {};
  const queues = `${path}.queuing`;
  if (!RESPONSES.includes(type)) return [unsupported(`${path}.type`, type, RESPONSES)];
  if (type === "Reject")
    return queuing === undefined ? [] : [forbidden(queues, "Reject has no queues")];
  return queuing === undefined
    ? [required(queues, "Queue needs it")]
    : queuingCauses(queues, queuing);
}

function queuingCauses(path: string, queuing: QueuingConfiguration): Causes {
  const { handSize, queueLengthLimit, queues } = queuing;
  return [
    ...atLeast(`${path}.queueLengthLimit`, queueLengthLimit, 1),
    ...between(`${path}.queues`, queues, { min: 1, max: QUEUES_MAX }),
    ...handCauses(`${path}.handSize`, handSize, queues),
  ];
}

function handCauses(path: string, handSize: number, queues: number): Causes {
  if (handSize < 1) return atLeast(path, handSize, 1);
  if (handSize > queues)
    return [invalid(path, handSize, `must not be greater than queues (${queues})`)];
  const bits = entropyBits(queues, handSize);
  if (bits <= ENTROPY_BITS_MAX) return [];
  const why = `dealing ${handSize} of ${queues} queues takes ${bits} bits of a hash that has ${ENTROPY_BITS_MAX}`;
  return [invalid(path, handSize, `${why}; have fewer of either`)];
}

/** An administrator may say what of the exempt level's seats others get; all else of mandatory levels stays. */
function fixedCauses(name: string, spec: JsonObject): Causes {
  const fixed = mandatorySpec(DEFAULT_LEVELS, name);
  if (fixed === undefined) return [];
  const { exempt: _, ...rest } = spec;
  const { exempt: __, ...wanted } = fixed;
  if (sameJson(rest, wanted)) return [];
  const but = name === EXEMPT ? ", but for spec.exempt," : "";
  return [invalid(SPEC, spec, `the spec of "${name}"${but} is fixed and cannot be changed`)];
}
