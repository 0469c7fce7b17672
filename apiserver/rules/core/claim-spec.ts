/** What persistent volumes and claims have in common. */
import { tryParseQuantity } from "#lib/api/quantity";
import { type Causes, forbidden, invalid, required } from "../causes.ts";
import { oneOf } from "../checks.ts";

const ACCESS_MODES = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const VOLUME_MODES = ["Block", "Filesystem"];

export function validateAccess(
  modes: readonly string[],
  volumeMode: string | undefined,
  path: string,
): Causes {
  const isMixed = modes.includes("ReadWriteOncePod") && modes.length > 1;
  return [
    ...(modes.length === 0
      ? [required(`${path}.accessModes`, "at least 1 access mode is required")]
      : []),
    ...modes.flatMap((mode, at) => oneOf(`${path}.accessModes[${at}]`, mode, ACCESS_MODES)),
    ...(isMixed
      ? [forbidden(`${path}.accessModes`, "may not use ReadWriteOncePod with other access modes")]
      : []),
    ...oneOf(`${path}.volumeMode`, volumeMode, VOLUME_MODES),
  ];
}

/** How much storage: given, and more than nothing. */
export function validateStorage(amount: string | undefined, path: string): Causes {
  if (amount === undefined) return [required(path)];
  const quantity = tryParseQuantity(amount);
  if (quantity !== undefined && quantity.nanos > 0n) return [];
  return [invalid(path, amount, "must be greater than zero")];
}
