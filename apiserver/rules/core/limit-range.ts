import { labelKeyProblem } from "#lib/api/names";
import { tryParseQuantity } from "#lib/api/quantity";
import type { JsonObject } from "#lib/json";
import { type Amounts, parseAmounts } from "#lib/quota/amounts";
import type { LimitRange, LimitRangeItem } from "#proto/core/v1";
import { type Causes, duplicate, forbidden, invalid, required } from "../causes.ts";
import { repeats } from "../checks.ts";
import { type KindRules, specOf } from "../kind-rules.ts";

type Texts = Readonly<Record<string, string>>;

const LISTS = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] as const;
const STANDARD_TYPES = ["Container", "PersistentVolumeClaim", "Pod"];
const WHOLE = 1_000_000_000n;

export const limitRangeRules: KindRules = {
  nameRule: "subdomain",
  complete(object) {
    const { limits } = specOf(object) as unknown as LimitRange["spec"];
    const spec = { ...specOf(object), limits: (limits ?? []).map(withDefaults) };
    return { ...object, spec: spec as unknown as JsonObject };
  },
  validate(object) {
    const { limits = [] } = specOf(object) as unknown as Partial<LimitRange["spec"]>;
    const isTwice = repeats(limits.map(({ type }) => type));
    return limits.flatMap((item, at) => {
      const path = `spec.limits[${at}]`;
      return [
        ...(isTwice[at] ? [duplicate(`${path}.type`, item.type)] : []),
        ...typeProblems(item, path),
        ...LISTS.flatMap((list) => listProblems(item[list] ?? {}, `${path}.${list}`)),
        ...orderProblems(item, path),
      ];
    });
  },
};

/** What is limited by default is at most the maximum; what is asked for by default, the limit or else the minimum. */
function withDefaults(item: LimitRangeItem): LimitRangeItem {
  if (item.type !== "Container") return item;
  const limit: Texts = { ...item.max, ...item.default };
  const request: Texts = { ...item.min, ...limit, ...item.defaultRequest };
  return {
    ...item,
    ...(Object.keys(limit).length === 0 ? {} : { default: limit }),
    ...(Object.keys(request).length === 0 ? {} : { defaultRequest: request }),
  };
}

function typeProblems(item: LimitRangeItem, path: string): Causes {
  const { type } = item;
  const problem = labelKeyProblem(type);
  if (problem !== undefined) return [invalid(`${path}.type`, type, problem)];
  if (!STANDARD_TYPES.includes(type) && !type.includes("/")) {
    return [invalid(`${path}.type`, type, "must be a standard limit type or fully qualified")];
  }
  if (type === "Container") return [];
  const given = (["default", "defaultRequest"] as const).filter((list) => item[list] !== undefined);
  const why = `may not be specified when \`type\` is '${type}'`;
  const isEmptyClaim =
    type === "PersistentVolumeClaim" && !item.min?.["storage"] && !item.max?.["storage"];
  return [
    ...given.map((list) => forbidden(`${path}.${list}`, why)),
    ...(isEmptyClaim
      ? [
          required(
            path,
            "either minimum or maximum storage value is required, but neither was provided",
          ),
        ]
      : []),
  ];
}

function listProblems(texts: Texts, path: string): Causes {
  return Object.entries(texts).flatMap(([name, text]) => {
    const here = `${path}[${name}]`;
    const problem = labelKeyProblem(name);
    const quantity = tryParseQuantity(text);
    return [
      ...(problem === undefined ? [] : [invalid(here, name, problem)]),
      ...(quantity === undefined
        ? [invalid(here, text, "must be a quantity, as 500m or 128Mi")]
        : []),
      ...(quantity !== undefined && quantity.nanos < 0n
        ? [invalid(here, text, "must be greater than or equal to 0")]
        : []),
    ];
  });
}

/** The lists in the order in which their values may grow, with Kubernetes' words for each. */
const ORDER = [
  ["min", "min"],
  ["defaultRequest", "default request"],
  ["default", "default"],
  ["max", "max"],
] as const;

function orderProblems(item: LimitRangeItem, path: string): Causes {
  // What is no quantity has been told of, and compares with nothing.
  const lists = Object.fromEntries(
    LISTS.map((list) => [list, parseAmounts(quantitiesOf(item[list] ?? {}))]),
  ) as Record<(typeof LISTS)[number], Amounts>;
  const pairs = ORDER.flatMap((low, at) => ORDER.slice(at + 1).map((high) => ({ low, high })));
  const order = pairs.flatMap(({ high: [high, highWord], low: [low, lowWord] }) =>
    Object.entries(lists[low]).flatMap(([name, least]) => {
      const most = lists[high][name];
      if (most === undefined || least.compare(most) <= 0) return [];
      const why = `${lowWord} value ${least} is greater than ${highWord} value ${most}`;
      return [invalid(`${path}.${low}[${name}]`, String(least), why)];
    }),
  );
  return [...order, ...ratioProblems(lists, path)];
}

function ratioProblems(
  { max, maxLimitRequestRatio, min }: Readonly<Record<(typeof LISTS)[number], Amounts>>,
  path: string,
): Causes {
  return Object.entries(maxLimitRequestRatio).flatMap(([name, ratio]) => {
    const here = `${path}.maxLimitRequestRatio[${name}]`;
    if (ratio.nanos < WHOLE) return [invalid(here, String(ratio), `ratio ${ratio} is less than 1`)];
    const most = max[name]?.nanos;
    const least = min[name]?.nanos;
    if (most === undefined || least === undefined || least === 0n) return [];
    const largest = (Number(most) / Number(least)).toFixed(6);
    return ratio.nanos * least > most * WHOLE
      ? [invalid(here, String(ratio), `ratio ${ratio} is greater than max/min = ${largest}`)]
      : [];
  });
}

function quantitiesOf(texts: Texts): Texts {
  return Object.fromEntries(
    Object.entries(texts).filter(([, text]) => tryParseQuantity(text) !== undefined),
  );
}
