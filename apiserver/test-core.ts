/** API cores in this process, each over a store in memory, for tests: what a test does not say is open, or absent. */
import { systemClock } from "#lib/system-clock";
import { systemRandom } from "#lib/system-random";
import { namespaces } from "#resources";
import { type AdmissionOptions, admission } from "./admission/index.ts";
import type { Core } from "./chain/core.ts";
import { patcher } from "./chain/patcher.ts";
import type { AccessRequest, Admission } from "./chain/steps.ts";
import { rules } from "./rules/index.ts";
import { coreOver } from "./server.ts";
import { MemoryStore } from "./storage/memory/memory-store.ts";
import type { Store } from "./storage/store.ts";

export interface TestCoreOptions {
  /** Everybody may do everything, if absent. */
  readonly allowed?: (request: AccessRequest) => boolean;
  /** Nothing is changed or refused, if absent. */
  readonly admission?: Admission;
}

const OPEN: Admission = { mutate: () => undefined, validate: () => undefined };
const notServed = (): Promise<never> => Promise.reject(new Error("not served here"));

export class TestCores {
  readonly #stores: Store[] = [];
  readonly #stop = new AbortController();

  open({ allowed, admission: given = OPEN }: TestCoreOptions = {}): Promise<Core> {
    return this.#open(() => given, allowed);
  }

  /** With all plugins, in the namespaces that are named; over a store in memory of its own if none is given. */
  async openAdmitting(
    spaces: readonly string[],
    { store, ...options }: Partial<AdmissionOptions> & { readonly store?: Store } = {},
    allowed?: TestCoreOptions["allowed"],
  ): Promise<Core> {
    const base = { serviceCidr: "10.96.0.0/24", signal: this.#stop.signal, post: notServed };
    const core = await this.#open(admission({ ...base, ...options }), allowed, store);
    const admin = core.as({ name: "admin", groups: ["system:masters"] });
    for (const name of spaces)
      await admin.create({ resource: namespaces }, { metadata: { name, labels: { env: name } } });
    return core;
  }

  /** Events' time to live would keep the process waiting for its hour. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#stores.map((store) => store.close()));
  }

  #open(
    plugins: ReturnType<typeof admission> | (() => Admission),
    allowed: TestCoreOptions["allowed"] = () => true,
    store: Store = new MemoryStore(systemClock),
  ): Promise<Core> {
    this.#stores.push(store);
    return coreOver({
      store,
      clock: systemClock,
      random: systemRandom,
      parts: {
        authorizer: () => ({
          authorize: (request) =>
            allowed(request) ? { allowed: true } : { allowed: false, reason: "no rule" },
        }),
        admission: plugins,
        rules,
        patcher,
        openApi: () => ({ paths: [], v3: notServed, v2Json: notServed, v2Protobuf: notServed }),
        post: notServed,
      },
    });
  }
}
