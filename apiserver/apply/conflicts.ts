/** Fields that a manager applies and others own with other values. */
import { type StatusCause, StatusError } from "#lib/status-error";
import { type FieldSet, placesOf } from "./field-set.ts";
import { type ManagedEntry, order } from "./managers.ts";
import { pathText } from "./path.ts";

export interface Conflict {
  readonly with: ManagedEntry;
  readonly fields: FieldSet;
}

/** The failure as clients read it: the message names the managers, its causes each field. */
export function conflictError(conflicts: readonly Conflict[]): StatusError {
  const sections = conflicts
    .map((conflict) => ({ manager: managerText(conflict.with), paths: pathsOf(conflict.fields) }))
    .toSorted((a, b) => order(a.manager, b.manager));
  const causes = sections.flatMap(({ manager, paths }) =>
    paths.map(
      (field): StatusCause => ({
        reason: "FieldManagerConflict",
        message: `conflict with ${manager}`,
        field,
      }),
    ),
  );
  const [only] = causes;
  const message =
    causes.length === 1 && only !== undefined
      ? `Apply failed with 1 conflict: ${only.message}: ${only.field}`
      : `Apply failed with ${causes.length} conflicts: ${sections.map(sectionText).join("\n")}`;
  return new StatusError("Conflict", message, { details: { causes } });
}

function pathsOf(set: FieldSet): readonly string[] {
  return [...placesOf(set)].map(pathText).toSorted(order);
}

function sectionText({ manager, paths }: { manager: string; paths: readonly string[] }): string {
  return [`conflicts with ${manager}:`, ...paths.map((path) => `- ${path}`)].join("\n");
}

/** `"kubectl-edit" using apps/v1`: of updates each version is a manager of its own. */
function managerText({ name, operation, apiVersion, subresource }: ManagedEntry): string {
  const via = subresource === undefined ? "" : ` with subresource ${JSON.stringify(subresource)}`;
  const using = operation === "Update" ? ` using ${apiVersion}` : "";
  return `${JSON.stringify(name)}${via}${using}`;
}
