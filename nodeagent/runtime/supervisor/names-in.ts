import { readdirSync } from "node:fs";
import { hasCode } from "../../kernel/syscall-error.ts";

/** Of a directory that may not be there. */
export function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}
