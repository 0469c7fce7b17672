import type { Clock } from "#lib/clock";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { ApiObject } from "#proto";
import type { ResourceQuota } from "#proto/core/v1";
import { resourceQuotas, services } from "#resources";
import type { AdmissionRequest, Commit, Reader, Writer } from "../../chain/steps.ts";
import { isResize } from "../plugin.ts";
import { type Charge, charge } from "./check.ts";

export interface QuotaAccess {
  readonly reader: Reader;
  readonly writer: Writer;
  readonly clock: Clock;
}

interface Waiting {
  readonly request: AdmissionRequest;
  readonly charge: Charge;
  /** Without a refusal: what is wanted is reserved. */
  readonly settle: (refusal?: unknown) => void;
}

/** Other servers and the quota controller write the same statuses; each of them needs one turn. */
const TRIES_MAX = 20;

/**
 * Reserves what a request will use in the status of its namespace's quotas, or refuses it. Reservations are compared and
 * written, so that requests at the same time never exceed a quota together; those that wait for the same namespace share
 * one write. What was reserved for a write that then fails, the quota controller gives back.
 */
export class ResourceQuotas {
  readonly #access: QuotaAccess;
  readonly #waiting = new Map<string, Waiting[]>();

  constructor(access: QuotaAccess) {
    this.#access = access;
  }

  validate(request: AdmissionRequest): Promise<void> | undefined {
    const { namespace, object, oldObject, operation, resource, subresource } = request;
    if (namespace === undefined || object === undefined) return undefined;
    if (subresource !== undefined && !isResize(request)) return undefined;
    const isUpdate = (operation === "UPDATE" && resource === services) || isResize(request);
    if (operation !== "CREATE" && !isUpdate) return undefined;
    const wanted = {
      resource,
      object: object as unknown as ApiObject,
      ...(isUpdate ? { oldObject: oldObject as unknown as ApiObject } : {}),
    };
    return this.#reserve(namespace, request, wanted);
  }

  async #reserve(namespace: string, request: AdmissionRequest, wanted: Charge): Promise<void> {
    if ((await this.#read(namespace)).length === 0) return;
    const { name = "", operation, resource } = request;
    // A name that is taken will be refused; nothing is to be reserved for it.
    const isTaken =
      operation === "CREATE" &&
      (await this.#access.reader.get(resource, namespace, name)) !== undefined;
    if (isTaken) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (refusal?: unknown): void => {
        if (refusal === undefined) resolve();
        else reject(refusal);
      };
      const waiting = this.#waiting.get(namespace);
      const own = { request, charge: wanted, settle };
      if (waiting !== undefined) {
        waiting.push(own);
        return;
      }
      this.#waiting.set(namespace, [own]);
      void this.#serve(namespace);
    });
  }

  /** One batch after the other, until nobody waits. */
  async #serve(namespace: string): Promise<void> {
    for (;;) {
      const batch = this.#waiting.get(namespace) ?? [];
      if (batch.length === 0) break;
      this.#waiting.set(namespace, []);
      try {
        await this.#settle(namespace, batch);
      } catch (error) {
        for (const { settle } of batch) settle(error);
      }
    }
    this.#waiting.delete(namespace);
  }

  async #settle(namespace: string, batch: readonly Waiting[]): Promise<void> {
    for (let attempt = 1; attempt <= TRIES_MAX; attempt++) {
      const found = await this.#read(namespace);
      const { outcomes, quotas } = this.#chargeAll(
        found.map(({ quota }) => quota),
        batch,
      );
      const commits = found.flatMap(({ item, quota }, at): Commit[] => {
        const next = quotas[at];
        if (next === undefined || next === quota) return [];
        const object = next as unknown as JsonObject;
        const { managedFields, revision: ifRevision } = item;
        return [{ kind: "put", resource: resourceQuotas, object, managedFields, ifRevision }];
      });
      const isDone = commits.length === 0 || (await this.#access.writer.commit(commits)).ok;
      if (!isDone) continue;
      for (const [at, { settle }] of batch.entries()) settle(outcomes[at]);
      return;
    }
    throw new StatusError(
      "Conflict",
      `the quotas of namespace ${namespace} change too fast; try again`,
    );
  }

  #chargeAll(found: readonly ResourceQuota[], batch: readonly Waiting[]) {
    const nowMs = this.#access.clock.nowMs();
    let quotas = found;
    const outcomes = batch.map(({ charge: wanted, request }) => {
      const charged = charge(quotas, wanted, nowMs);
      if ("refusal" in charged) return refused(request, charged.refusal);
      if (!request.dryRun) quotas = charged.quotas;
      return undefined;
    });
    return { outcomes, quotas };
  }

  async #read(namespace: string) {
    const { items } = await this.#access.reader.list({ resource: resourceQuotas, namespace });
    return items.map((item) => ({ item, quota: item.object as ResourceQuota }));
  }
}

function refused({ name = "", resource }: AdmissionRequest, why: string): StatusError {
  const { group, plural } = resource;
  return new StatusError("Forbidden", `${plural} "${name}" is forbidden: ${why}`, {
    details: { name, kind: plural, ...(group === "" ? {} : { group }) },
  });
}
