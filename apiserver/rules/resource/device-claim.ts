/** What claims and classes say about devices. Limits and words are Kubernetes'. */
import { labelKeyProblem } from "#lib/api/names";
import type {
  DeviceClaim,
  DeviceClaimConfiguration,
  DeviceConfiguration,
  DeviceConstraint,
  DeviceRequest,
  DeviceSelector,
  DeviceSubRequest,
  DeviceToleration,
  ExactDeviceRequest,
} from "#proto/resource/v1";
import type { Declarations } from "../../cel/environment.ts";
import { compile } from "../../cel/program.ts";
import { type Causes, invalid, required, unsupported } from "../causes.ts";
import { named, oneOf } from "../checks.ts";
import { driverName } from "../storage/csi.ts";
import { bounded, longName, qualifiedName, shortName, unique } from "./bounds.ts";

const LIST_MAX = 32;
const ALTERNATIVES_MAX = 8;
const EXPRESSION_LENGTH_MAX = 10 * 1024;
const PARAMETERS_LENGTH_MAX = 10 * 1024;
const MODES = ["All", "ExactCount"];
const OPERATORS = ["Equal", "Exists"];
const EFFECTS = ["NoExecute", "NoSchedule"];
/** Selectors ask about one device. */
const LANGUAGE: Declarations = { variables: { device: "dyn" } };

export function deviceClaimCauses(path: string, claim: DeviceClaim): Causes {
  const requests = claim.requests ?? [];
  const known = new Set(requests.flatMap(namesOf));
  return [
    ...bounded(`${path}.requests`, requests, LIST_MAX, requestCauses),
    ...unique(
      (at) => `${path}.requests[${at}].name`,
      requests.map(({ name }) => name),
    ),
    ...bounded(`${path}.constraints`, claim.constraints, LIST_MAX, (each, at) =>
      constraintCauses(each, at, known),
    ),
    ...bounded(`${path}.config`, claim.config, LIST_MAX, (each, at) =>
      configurationCauses(each, at, known),
    ),
  ];
}

/** Kubernetes asks for one device where nothing is said. */
export function completeClaim(claim: DeviceClaim): DeviceClaim {
  if ((claim.requests ?? []).length === 0) return claim;
  const requests = claim.requests?.map((request) => ({
    ...request,
    ...(request.exactly === undefined ? {} : { exactly: counted(request.exactly) }),
    ...(request.firstAvailable === undefined
      ? {}
      : { firstAvailable: request.firstAvailable.map(counted) }),
  }));
  return { ...claim, requests: requests ?? [] };
}

function counted<T extends DeviceSubRequest | ExactDeviceRequest>(request: T): T {
  const allocationMode = request.allocationMode || "ExactCount";
  const count = request.count || (allocationMode === "ExactCount" ? 1 : undefined);
  return { ...request, allocationMode, ...(count === undefined ? {} : { count }) };
}

export function selectorCauses({ cel }: DeviceSelector, path: string): Causes {
  if (cel === undefined) return [required(`${path}.cel`)];
  const field = `${path}.cel.expression`;
  if ((cel.expression ?? "") === "") return [required(field)];
  if (cel.expression.length > EXPRESSION_LENGTH_MAX)
    return [invalid(field, "", `must be no more than ${EXPRESSION_LENGTH_MAX} characters`)];
  const compiled = compile(cel.expression, LANGUAGE);
  if (!compiled.ok) return [invalid(field, cel.expression, compiled.error)];
  const { type } = compiled.program;
  if (type === "bool" || type === "dyn") return [];
  return [invalid(field, cel.expression, `must evaluate to bool, not ${type}`)];
}

export function deviceConfiguration({ opaque }: DeviceConfiguration, path: string): Causes {
  if (opaque === undefined)
    return [required(path, "exactly one of `opaque` is required, but none is set")];
  const { driver = "", parameters } = opaque;
  const field = `${path}.opaque.parameters`;
  const length = JSON.stringify(parameters ?? null).length;
  const isObject =
    typeof parameters === "object" && parameters !== null && !Array.isArray(parameters);
  return [
    ...driverName(`${path}.opaque.driver`, driver),
    ...(parameters === undefined || parameters === null ? [required(field)] : []),
    ...(parameters && !isObject
      ? [invalid(field, "<value omitted>", "must be a JSON object")]
      : []),
    ...(length > PARAMETERS_LENGTH_MAX
      ? [invalid(field, "<value omitted>", `must be no more than ${PARAMETERS_LENGTH_MAX} bytes`)]
      : []),
  ];
}

function namesOf({ firstAvailable, name }: DeviceRequest): readonly string[] {
  return [name, ...(firstAvailable ?? []).map((each) => `${name}/${each.name}`)];
}

function requestCauses(request: DeviceRequest, path: string): Causes {
  const { exactly, firstAvailable = [], name } = request;
  return [...shortName(`${path}.name`, name), ...choiceCauses(path, exactly, firstAvailable)];
}

function choiceCauses(
  path: string,
  exactly: ExactDeviceRequest | undefined,
  alternatives: readonly DeviceSubRequest[],
): Causes {
  const why = "exactly one of `exactly` or `firstAvailable` is required";
  if (exactly === undefined && alternatives.length === 0) return [required(path, why)];
  if (exactly !== undefined && alternatives.length > 0)
    return [invalid(path, null, `${why}, but multiple fields are set`)];
  if (exactly !== undefined) return wantedCauses(exactly, `${path}.exactly`);
  const list = `${path}.firstAvailable`;
  return [
    ...bounded(list, alternatives, ALTERNATIVES_MAX, (each, at) => [
      ...shortName(`${at}.name`, each.name),
      ...wantedCauses(each, at),
    ]),
    ...unique(
      (at) => `${list}[${at}].name`,
      alternatives.map(({ name }) => name),
    ),
  ];
}

function wantedCauses(wanted: DeviceSubRequest | ExactDeviceRequest, path: string): Causes {
  const { allocationMode = "", count = 0, deviceClassName, selectors, tolerations = [] } = wanted;
  return [
    ...longName(`${path}.deviceClassName`, deviceClassName),
    ...bounded(`${path}.selectors`, selectors, LIST_MAX, selectorCauses),
    ...(MODES.includes(allocationMode)
      ? countCauses(path, allocationMode, Number(count))
      : [unsupported(`${path}.allocationMode`, allocationMode, MODES)]),
    ...tolerations.flatMap((each, at) => tolerationCauses(each, `${path}.tolerations[${at}]`)),
  ];
}

function countCauses(path: string, mode: string, count: number): Causes {
  const field = `${path}.count`;
  if (mode === "All" && count !== 0)
    return [invalid(field, count, "must not be specified when allocationMode is 'All'")];
  return mode === "ExactCount" && count <= 0
    ? [invalid(field, count, "must be greater than zero")]
    : [];
}

function tolerationCauses(toleration: DeviceToleration, path: string): Causes {
  const { effect = "", key = "", operator = "", value = "" } = toleration;
  return [
    ...named(`${path}.key`, key, labelKeyProblem),
    ...(OPERATORS.includes(operator) ? [] : [unsupported(`${path}.operator`, operator, OPERATORS)]),
    ...(operator === "Exists" && value !== ""
      ? [invalid(`${path}.value`, value, "must be empty for operator `Exists`")]
      : []),
    ...(operator === "Equal" && key === ""
      ? [required(`${path}.key`, "must be specified for operator `Equal`")]
      : []),
    ...(effect === "" ? [] : oneOf(`${path}.effect`, effect, EFFECTS)),
  ];
}

function constraintCauses(
  { distinctAttribute, matchAttribute, requests }: DeviceConstraint,
  path: string,
  known: ReadonlySet<string>,
): Causes {
  const attribute = matchAttribute ?? distinctAttribute;
  const field = matchAttribute === undefined ? "distinctAttribute" : "matchAttribute";
  return [
    ...bounded(`${path}.requests`, requests, LIST_MAX, (name, at) => knownCauses(name, at, known)),
    ...unique((at) => `${path}.requests[${at}]`, requests ?? []),
    ...(attribute === undefined
      ? [required(path, "exactly one of `matchAttribute` or `distinctAttribute` is required")]
      : attribute.includes("/")
        ? qualifiedName(`${path}.${field}`, attribute)
        : [invalid(`${path}.${field}`, attribute, "must include a domain")]),
  ];
}

function configurationCauses(
  configuration: DeviceClaimConfiguration,
  path: string,
  known: ReadonlySet<string>,
): Causes {
  const { requests } = configuration;
  return [
    ...bounded(`${path}.requests`, requests, LIST_MAX, (name, at) => knownCauses(name, at, known)),
    ...unique((at) => `${path}.requests[${at}]`, requests ?? []),
    ...deviceConfiguration(configuration as DeviceConfiguration, path),
  ];
}

function knownCauses(name: string, path: string, known: ReadonlySet<string>): Causes {
  const why =
    "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
  return known.has(name) ? [] : [invalid(path, name, why)];
}
