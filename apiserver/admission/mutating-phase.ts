import type { JsonObject } from "#lib/json";
import type { AdmissionRequest, Reader } from "../chain/steps.ts";
import type { Plugin } from "./plugin.ts";
import { Reinvocation } from "./reinvocation.ts";

/** What changes objects and is itself written to the API: policies, webhooks. */
export interface OutsideMutator {
  /** Whether it has to be asked, as far as the route tells. */
  concerns(request: AdmissionRequest): boolean;
  mutate(
    request: AdmissionRequest,
    rounds: Reinvocation,
  ): Promise<JsonObject | undefined> | undefined;
}

export interface Mutators {
  readonly builtIn: readonly Plugin[];
  readonly outside: readonly OutsideMutator[];
  /** When the object is as it will be, but for this. */
  readonly last: Plugin;
  readonly reader: Reader;
}

type Maybe<T> = Promise<T> | T;

/**
 * The built-in mutators, then those from outside, and if those changed something all once more. Nothing is waited for
 * where nobody waits, and nothing is made for those from outside where none is concerned.
 */
export class MutatingPhase {
  readonly #mutators: Mutators;

  constructor(mutators: Mutators) {
    this.#mutators = mutators;
  }

  /** What becomes of the object; undefined when it stays as it is. */
  run(request: AdmissionRequest): Maybe<JsonObject | undefined> {
    return after(this.#builtIn(request), (current) =>
      this.#mutators.outside.some((each) => each.concerns(current))
        ? this.#outside(current).then((changed) => this.#end(request, changed))
        : this.#end(request, current),
    );
  }

  #builtIn(request: AdmissionRequest, from = 0): Maybe<AdmissionRequest> {
    const { builtIn, reader } = this.#mutators;
    let current = request;
    for (let at = from; at < builtIn.length; at++) {
      const given = builtIn[at]?.(current, reader);
      if (given instanceof Promise) {
        const before = current;
        return given.then((object) => this.#builtIn(withObject(before, object), at + 1));
      }
      current = withObject(current, given);
    }
    return current;
  }

  async #outside(request: AdmissionRequest): Promise<AdmissionRequest> {
    const rounds = this.#mutators.outside.map((mutator) => ({
      mutator,
      reinvocation: new Reinvocation(),
    }));
    let current = request;
    for (const { mutator, reinvocation } of rounds)
      current = withObject(current, await mutator.mutate(current, reinvocation));
    if (!rounds.some(({ reinvocation }) => reinvocation.isChanged)) return current;
    current = await this.#builtIn(current);
    for (const { mutator, reinvocation } of rounds) {
      reinvocation.startAgain(current.object);
      current = withObject(current, await mutator.mutate(current, reinvocation));
    }
    return current;
  }

  #end(request: AdmissionRequest, current: AdmissionRequest): Maybe<JsonObject | undefined> {
    const { last, reader } = this.#mutators;
    const otherwise = current === request ? undefined : current.object;
    return after(last(current, reader), (object) => object ?? otherwise);
  }
}

function withObject(request: AdmissionRequest, object: JsonObject | undefined): AdmissionRequest {
  return object === undefined ? request : { ...request, object };
}

function after<T, U>(value: Maybe<T>, then: (value: T) => Maybe<U>): Maybe<U> {
  return value instanceof Promise ? value.then(then) : then(value);
}
