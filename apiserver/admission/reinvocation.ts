import { isDeepStrictEqual } from "node:util";
import type { JsonObject } from "#lib/json";

/**
 * Who is to be asked again about one request. Mutators from outside run in two rounds: whoever asked for it is heard a
 * second time if the object was changed after it was heard. https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#reinvocation-policy
 */
export class Reinvocation {
  #round: 1 | 2 = 1;
  /** Heard, and not changed since by others. */
  readonly #heard = new Set<string>();
  readonly #again = new Set<string>();
  #last: JsonObject | undefined;
  #isChanged = false;

  get round(): 1 | 2 {
    return this.#round;
  }

  /** Whether anybody changed the object. */
  get isChanged(): boolean {
    return this.#isChanged;
  }

  /** The second round begins, with the object as built-in plugins left it. */
  startAgain(object: JsonObject | undefined): void {
    this.#round = 2;
    if (!isDeepStrictEqual(object, this.#last)) this.#requireAgain();
  }

  isDue(id: string): boolean {
    return this.#round === 1 || this.#again.has(id);
  }

  changed(): void {
    this.#isChanged = true;
    this.#requireAgain();
  }

  heard(id: string): void {
    this.#heard.add(id);
  }

  /** The object as it is after the last of them. */
  ended(object: JsonObject | undefined): void {
    this.#last = object;
  }

  #requireAgain(): void {
    for (const id of this.#heard) this.#again.add(id);
    this.#heard.clear();
  }
}
