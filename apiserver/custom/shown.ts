import type { JsonObject } from "#lib/json";
import { encodeForStore, Published } from "../chain/published.ts";
import type { Converter } from "./conversion.ts";

export interface ShownOptions {
  readonly apiVersion: string;
  readonly convert: Converter;
  /** Prunes and fills in: the schema may have changed since the object was stored. */
  readonly adjust: (object: JsonObject) => JsonObject;
}

/**
 * Stored objects as one version shows them: converted, pruned, with the defaults of today. Each is made once for all
 * who read it; one that needs no change is shown as it is stored, byte for byte.
 */
export class Shown {
  readonly #options: ShownOptions;
  readonly #made = new WeakMap<Published, Published>();

  constructor(options: ShownOptions) {
    this.#options = options;
  }

  async of(stored: readonly Published[]): Promise<readonly Published[]> {
    const missing = stored.filter((each) => !this.#made.has(each));
    if (missing.length > 0) await this.#make(missing);
    return stored.map((each) => this.#made.get(each) ?? each);
  }

  async #make(missing: readonly Published[]): Promise<void> {
    const { adjust, apiVersion, convert } = this.#options;
    const converted = await convert(
      missing.map(({ json }) => json),
      apiVersion,
    );
    for (const [at, each] of missing.entries()) {
      const shown = adjust(converted[at] ?? each.json);
      const isSame = shown === each.json;
      this.#made.set(each, isSame ? each : again(each, shown));
    }
  }
}

function again({ key, managedFields, revision }: Published, object: JsonObject): Published {
  return new Published(key, revision, encodeForStore(object, managedFields), managedFields);
}
