import type { JsonObject } from "#lib/json";
import type { AdmissionRequest, Reader } from "../chain/steps.ts";
import type { Plugin } from "./plugin.ts";
import { Reinvocation } from "./reinvocation.ts";

/** Somebody outside who changes objects: webhooks. Undefined when nobody is to be asked. */
export interface OutsideMutator {
  mutate(
    request: AdmissionRequest,
    rounds: Reinvocation,
  ): Promise<JsonObject | undefined> | undefined;
}

/** The mutators of one request: the built-in ones, then those outside; and if those changed something, all once more. */
export class MutatingPhase {
  readonly #plugins: readonly Plugin[];
  readonly #outside: readonly (readonly [OutsideMutator, Reinvocation])[];
  readonly #reader: Reader;

  constructor(plugins: readonly Plugin[], outside: readonly OutsideMutator[], reader: Reader) {
    this.#plugins = plugins;
    this.#outside = outside.map((each) => [each, new Reinvocation()]);
    this.#reader = reader;
  }

  async run(request: AdmissionRequest): Promise<AdmissionRequest> {
    const first = await this.#askOutside(await this.#askPlugins(request));
    if (!this.#outside.some(([, rounds]) => rounds.isChanged)) return first;
    return this.#askOutside(await this.#askPlugins(first), true);
  }

  async #askPlugins(request: AdmissionRequest): Promise<AdmissionRequest> {
    let current = request;
    for (const plugin of this.#plugins) {
      const given = plugin(current, this.#reader);
      const object = given instanceof Promise ? await given : given;
      if (object !== undefined) current = { ...current, object };
    }
    return current;
  }

  async #askOutside(request: AdmissionRequest, isAgain = false): Promise<AdmissionRequest> {
    let current = request;
    for (const [mutator, rounds] of this.#outside) {
      if (isAgain) rounds.startAgain(current.object);
      const waiting = mutator.mutate(current, rounds);
      const object = waiting === undefined ? undefined : await waiting;
      if (object !== undefined) current = { ...current, object };
    }
    return current;
  }
}
