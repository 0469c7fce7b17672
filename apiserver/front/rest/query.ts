/** The parameters of a request, as Kubernetes reads them. */
import { StatusError } from "#lib/status-error";
import type { Selection } from "../../chain/list.ts";
import type { FieldValidation } from "../../chain/steps.ts";

/** Absent, "0" and "false" are false; all else is true, the empty text too. */
export function flag(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  return value !== null && value !== "0" && value.toLowerCase() !== "false";
}

export function whole(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === "") return undefined;
  if (!/^-?\d{1,15}$/.test(value))
    throw new StatusError(
      "BadRequest",
      `query parameter ${name} must be a whole number: "${value}"`,
    );
  return Number(value);
}

export function selectionFrom(query: URLSearchParams): Selection {
  if (query.has("sendInitialEvents")) {
    const why = "Forbidden: sendInitialEvents is forbidden for list";
    throw wrongOption("ListOptions", "sendInitialEvents", why);
  }
  const match = resourceVersionMatch(query);
  const limit = whole(query, "limit");
  return {
    ...text(query, "labelSelector"),
    ...text(query, "fieldSelector"),
    ...text(query, "continue"),
    ...text(query, "resourceVersion"),
    ...(limit === undefined || limit <= 0 ? {} : { limit }),
    ...(match === undefined ? {} : { resourceVersionMatch: match }),
  };
}

/** How a list reads `resourceVersion`: https://kubernetes.io/docs/reference/using-api/api-concepts/#the-resourceversion-parameter */
function resourceVersionMatch(query: URLSearchParams): "Exact" | "NotOlderThan" | undefined {
  const match = query.get("resourceVersionMatch") ?? "";
  if (match === "") return undefined;
  if (match !== "Exact" && match !== "NotOlderThan") {
    const supported = '"", "Exact", "NotOlderThan"';
    throw wrongMatch(`Unsupported value: "${match}": supported values: ${supported}`);
  }
  const name = "Forbidden: resourceVersionMatch";
  const version = query.get("resourceVersion") ?? "";
  if (query.get("continue")) throw wrongMatch(`${name} is forbidden when continue is provided`);
  if (version === "") throw wrongMatch(`${name} is forbidden unless resourceVersion is provided`);
  if (match === "Exact" && version === "0")
    throw wrongMatch(`${name} "Exact" is forbidden for resourceVersion "0"`);
  return match;
}

/** A list begins with the present anyway; a watch that asks for it says as of when. */
export function sendInitialEvents(query: URLSearchParams): boolean {
  const match = query.get("resourceVersionMatch") ?? "";
  const isGiven = query.has("sendInitialEvents");
  const name = "Forbidden: resourceVersionMatch";
  if (isGiven && match === "")
    throw wrongMatch(
      "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
    );
  if (match !== "" && !isGiven)
    throw wrongMatch(`${name} is forbidden for watch unless sendInitialEvents is provided`);
  if (match !== "" && match !== "NotOlderThan")
    throw wrongMatch(`Unsupported value: "${match}": supported values: "NotOlderThan"`);
  if (match !== "" && query.get("continue"))
    throw wrongMatch(`${name} is forbidden when continue is provided`);
  return flag(query, "sendInitialEvents");
}

function wrongMatch(why: string): StatusError {
  return wrongOption("ListOptions", "resourceVersionMatch", why);
}

export function wrongOption(
  kind: "DeleteOptions" | "ListOptions",
  field: string,
  why: string,
): StatusError {
  return new StatusError("Invalid", `${kind}.meta.k8s.io "" is invalid: ${field}: ${why}`, {
    details: { causes: [{ reason: "FieldValueInvalid", field, message: why }] },
  });
}

export function text<Name extends string>(
  query: URLSearchParams,
  name: Name,
): { readonly [Key in Name]?: string } {
  const value = query.get(name);
  return (value ? { [name]: value } : {}) as { readonly [Key in Name]?: string };
}

export function isDryRun(query: URLSearchParams): boolean {
  const values = query.getAll("dryRun").filter((value) => value !== "");
  if (values.some((value) => value !== "All"))
    throw new StatusError(
      "Invalid",
      `dryRun: Unsupported value: "${values.join()}": supported values: "All"`,
    );
  return values.length > 0;
}

export function fieldValidation(query: URLSearchParams): FieldValidation {
  const value = query.get("fieldValidation") ?? "";
  if (value === "" || value === "Warn") return "Warn";
  if (value === "Strict" || value === "Ignore") return value;
  throw new StatusError(
    "Invalid",
    `fieldValidation: Unsupported value: "${value}": supported values: "Ignore", "Warn", "Strict"`,
  );
}

/** Kubernetes' bound. */
const MANAGER_LENGTH_MAX = 128;

/** Who owns what the request writes: the name it gives, or that of the program that sends it. */
export function fieldManager(query: URLSearchParams, userAgent: string | undefined): string {
  const given = query.get("fieldManager");
  if (!given) return programName(userAgent ?? "");
  const isPrintable = /^[^\p{C}\p{Zl}\p{Zp}]*$/u.test(given);
  if (given.length <= MANAGER_LENGTH_MAX && isPrintable) return given;
  const why = isPrintable
    ? `may not be more than ${MANAGER_LENGTH_MAX} bytes`
    : "should only contain printable characters";
  throw new StatusError("Invalid", `fieldManager: Invalid value: ${JSON.stringify(given)}: ${why}`);
}

/** `kubectl` of `kubectl/v1.35.2 (linux/amd64)`. */
function programName(userAgent: string): string {
  const program = (userAgent.split("/", 1)[0] ?? "").replaceAll(/\p{C}/gu, "");
  return program.slice(0, MANAGER_LENGTH_MAX) || "unknown";
}
