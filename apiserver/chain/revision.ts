import { StatusError } from "#lib/status-error";

/** The revision that a client names; 0: whatever there is. */
export function parseRevision(text: string | undefined): number {
  if (text === undefined || text === "") return 0;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new StatusError("BadRequest", `resourceVersion: invalid value: ${JSON.stringify(text)}`);
}
