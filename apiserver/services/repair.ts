/**
 * Keeps services and the records of what they have in agreement: after an upgrade, when somebody took a record away by hand,
 * and whatever else may have come between them. Every server does so; what two do at once only one of them commits.
 */
import { parseCidr } from "#lib/api/cidr";
import { formatMicroTime, formatTime } from "#lib/api/time";
import type { JsonObject } from "#lib/json";
import type { Logger } from "#lib/logger";
import { nameSuffix } from "#lib/random";
import { StatusError } from "#lib/status-error";
import type { ApiObject } from "#proto";
import type { Service } from "#proto/core/v1";
import type { IPAddress, ServiceCIDR } from "#proto/networking/v1";
import { events, ipAddresses, serviceCidrs, services } from "#resources";
import { follow } from "../authz/follow.ts";
import type { Core, InProcess } from "../chain/core.ts";
import { keepDefaultRange } from "./default-range.ts";
import { type Problem, planRepair, type RepairStep } from "./plan-repair.ts";
import { claimsOf, isSameClaim, nodePortRecords } from "./records.ts";
import { birthIn } from "./with-records.ts";

/** Kubernetes' interval. */
const REPAIR_MS = 180_000;
/** A store from before has much to mend, and the stores write together what comes together. */
const STEPS_AT_ONCE = 64;
const COMPONENT = "ipallocator-repair-controller";

export interface ServiceRepairOptions {
  readonly core: Core;
  readonly api: InProcess;
  readonly serviceCidr: string;
  readonly logger: Logger;
}

export class ServiceRepair {
  readonly #options: ServiceRepairOptions;
  readonly #stop = new AbortController();
  #cancel: (() => void) | undefined;

  private constructor(options: ServiceRepairOptions) {
    this.#options = options;
  }

  /** Resolves after the first pass, so that nothing is given out that a service of old has. */
  static async start(options: ServiceRepairOptions): Promise<ServiceRepair> {
    const repair = new ServiceRepair(options);
    await repair.#pass();
    const { reader } = options.core.steps;
    const followed = {
      put: () => undefined,
      clear: () => undefined,
      remove: (object: ApiObject) => repair.#released(object as IPAddress),
    };
    await follow(reader, ipAddresses, followed, repair.#stop.signal);
    repair.#again();
    return repair;
  }

  close(): void {
    this.#stop.abort();
    this.#cancel?.();
  }

  #again(): void {
    if (this.#stop.signal.aborted) return;
    this.#cancel = this.#options.core.steps.clock.after(REPAIR_MS, () => {
      void this.#tryPass().then(() => this.#again());
    });
  }

  /** A service goes together with its address; one that stays needs it back at once, before another gets it. */
  #released({ metadata, spec }: IPAddress): void {
    const { name = "", namespace } = spec.parentRef ?? {};
    const holder = this.#options.core.steps.reader.known(services, namespace, name);
    const claim = { resource: ipAddresses, name: metadata.name };
    const claims = holder === undefined ? [] : claimsOf(holder.object as Service);
    if (claims.some((each) => isSameClaim(each, claim))) void this.#tryPass();
  }

  async #tryPass(): Promise<void> {
    try {
      await this.#pass();
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#options.logger.info("the records of services were not repaired", { error });
    }
  }

  async #pass(): Promise<void> {
    await keepDefaultRange(this.#options);
    const { steps } = this.#options.core;
    const list = async (resource: typeof services | typeof nodePortRecords) =>
      (await steps.reader.list({ resource })).items;
    // Records before services: whoever made both in between is then seen with a service at least.
    const records = [...(await list(ipAddresses)), ...(await list(nodePortRecords))];
    const ranges = (await list(serviceCidrs)).flatMap(({ object }) =>
      ((object as ServiceCIDR).spec?.cidrs ?? []).flatMap((cidr) => parseCidr(cidr) ?? []),
    );
    const all = (await list(services)).map(({ object }) => object as Service);
    const plan = planRepair({ services: all, records, ranges }, () => birthIn(steps));
    for (let at = 0; at < plan.length; at += STEPS_AT_ONCE)
      await Promise.all(plan.slice(at, at + STEPS_AT_ONCE).map((step) => this.#apply(step)));
  }

  async #apply({ commit, problem }: RepairStep): Promise<void> {
    const { core, logger } = this.#options;
    // Somebody else was faster, or it was no fault at all.
    if (commit !== undefined && !(await core.steps.writer.commit([commit])).ok) return;
    if (problem === undefined) return;
    logger.info(problem.note, { reason: problem.reason });
    await this.#tell(problem);
  }

  async #tell({ about, action, note, reason }: Problem): Promise<void> {
    const { api, core } = this.#options;
    const { clock, random } = core.steps;
    const { name, namespace = "default", uid } = about.metadata;
    const { apiVersion, kind } = about as unknown as Readonly<Record<string, string>>;
    const now = formatTime(clock.nowMs());
    const event = {
      metadata: { name: `${name}.${nameSuffix(random, 10)}`, namespace },
      involvedObject: {
        apiVersion: apiVersion ?? "",
        kind: kind ?? "",
        name,
        namespace: about.metadata.namespace ?? "",
        uid,
      },
      type: "Warning",
      reason,
      action,
      message: note,
      eventTime: formatMicroTime(clock.nowMs()),
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      reportingComponent: COMPONENT,
      reportingInstance: COMPONENT,
    } satisfies JsonObject;
    try {
      await api.create({ resource: events, namespace }, event);
    } catch (error) {
      // Only for people: a namespace that ends takes none.
      if (!(error instanceof StatusError)) throw error;
    }
  }
}
