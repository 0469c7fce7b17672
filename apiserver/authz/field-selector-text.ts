import type { FieldSelectorAttributes } from "#proto/authorization/v1";

/** As in a query. Terms narrow, so those that do not say one value may be left out; undefined when none is left. */
export function fieldSelectorText(given: FieldSelectorAttributes | undefined): string | undefined {
  if (given === undefined) return undefined;
  const { rawSelector = "", requirements = [] } = given;
  if (rawSelector !== "") return rawSelector;
  const terms = requirements.flatMap(({ key, operator, values = [] }) =>
    operator === "In" && values.length === 1 ? [`${key}=${values[0]}`] : [],
  );
  return terms.length === 0 ? undefined : terms.join(",");
}
