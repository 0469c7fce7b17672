import { labelKeyProblem } from "#lib/api/names";
import { type Quantity, tryParseQuantity } from "#lib/api/quantity";
import { type Causes, invalid } from "../causes.ts";

type Amounts = Readonly<Record<string, string>>;

const STANDARD = new Set(["cpu", "ephemeral-storage", "memory"]);
const HUGE_PAGES = "hugepages-";
const UNIT = 1_000_000_000n;

/** What a container asks for, and what it may have at most. */
export function validateResources(
  { limits = {}, requests = {} }: { readonly limits?: Amounts; readonly requests?: Amounts },
  path: string,
): Causes {
  return [
    ...amounts(limits, `${path}.limits`),
    ...amounts(requests, `${path}.requests`),
    ...Object.entries(requests).flatMap(([resource, text]) =>
      againstLimit(resource, text, { limit: limits[resource], path: `${path}.requests` }),
    ),
  ];
}

function amounts(map: Amounts, path: string): Causes {
  return Object.entries(map).flatMap(([resource, text]) => {
    const here = `${path}[${resource}]`;
    const quantity = tryParseQuantity(text);
    if (quantity === undefined)
      return [invalid(here, text, "must be a quantity, as 500m or 128Mi")];
    return [...nameOf(resource, here), ...amount(resource, text, { quantity, path: here })];
  });
}

function nameOf(resource: string, path: string): Causes {
  if (STANDARD.has(resource) || resource.startsWith(HUGE_PAGES)) return [];
  const problem = labelKeyProblem(resource);
  if (problem !== undefined) return [invalid(path, resource, problem)];
  return resource.includes("/")
    ? []
    : [invalid(path, resource, "must be a standard resource type or fully qualified")];
}

function amount(
  resource: string,
  text: string,
  { path, quantity }: { readonly path: string; readonly quantity: Quantity },
): Causes {
  if (quantity.nanos < 0n) return [invalid(path, text, "must be greater than or equal to 0")];
  return !STANDARD.has(resource) && quantity.nanos % UNIT !== 0n
    ? [invalid(path, text, "must be an integer")]
    : [];
}

/** Devices and huge pages are given whole: what is asked for is what there is. */
function againstLimit(
  resource: string,
  text: string,
  { limit, path }: { readonly limit: string | undefined; readonly path: string },
): Causes {
  const most = limit === undefined ? undefined : tryParseQuantity(limit);
  const request = tryParseQuantity(text);
  if (request === undefined) return [];
  const isWhole = !STANDARD.has(resource);
  if (most === undefined) {
    return isWhole && limit === undefined
      ? [
          invalid(
            `${path}[${resource}]`,
            text,
            "Limit must be set for non overcommitable resources",
          ),
        ]
      : [];
  }
  if (isWhole && request.compare(most) !== 0)
    return [invalid(path, text, `must be equal to ${resource} limit of ${limit}`)];
  return request.compare(most) <= 0
    ? []
    : [invalid(path, text, `must be less than or equal to ${resource} limit of ${limit}`)];
}
