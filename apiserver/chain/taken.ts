import { StatusError } from "#lib/status-error";

/** Of those that choose at once from a range with hardly anything left, each try lets more than half through. */
const TRIES_MAX = 16;

/** What a write was to have for itself alone went to another in the same moment. Clients see a conflict. */
export class TakenMeanwhile extends StatusError {
  constructor(what: string) {
    super("Conflict", `${what} was given to another in the same moment; try again`);
  }
}

/** Runs `write` anew, with its choices, as long as others are faster. */
export async function choosingAnew<T>(write: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof TakenMeanwhile) || attempt === TRIES_MAX) throw error;
    }
  }
}
