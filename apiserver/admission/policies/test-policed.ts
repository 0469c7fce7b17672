/** An API in this process with one policy in it, for the tests of both kinds. */
import type { JsonObject } from "#lib/json";
import { systemClock } from "#lib/system-clock";
import { systemRandom } from "#lib/system-random";
import { namespaces, type Resource } from "#resources";
import type { InProcess } from "../../chain/core.ts";
import { patcher } from "../../chain/patcher.ts";
import { rules } from "../../rules/index.ts";
import { coreOver } from "../../server.ts";
import { MemoryStore } from "../../storage/memory/memory-store.ts";
import { admission } from "../index.ts";

export interface Apis {
  /** Everybody may do everything but delete deployments. */
  open(): Promise<InProcess>;
  close(): Promise<unknown>;
}

export function apis(): Apis {
  const stores: MemoryStore[] = [];
  const stop = new AbortController();
  return {
    async open() {
      const store = new MemoryStore(systemClock);
      stores.push(store);
      const none = () => Promise.reject(new Error("not served here"));
      const core = await coreOver({
        store,
        clock: systemClock,
        random: systemRandom,
        parts: {
          authorizer: () => ({
            authorize: async ({ resource, verb }) =>
              verb === "delete" && resource === "deployments"
                ? { allowed: false, reason: "never" }
                : { allowed: true },
          }),
          admission: admission({ serviceCidr: "10.96.0.0/24", signal: stop.signal, post: none }),
          rules,
          patcher,
          openApi: () => ({ paths: [], v3: none, v2Json: none, v2Protobuf: none }),
          post: none,
        },
      });
      const api = core.as({ name: "eve", groups: ["devs"] });
      for (const name of ["default", "other"])
        await api.create({ resource: namespaces }, { metadata: { name, labels: { env: name } } });
      return api;
    },
    close: () => {
      stop.abort();
      return Promise.all(stores.map((store) => store.close()));
    },
  };
}

export const at = (resource: Resource, name?: string, namespace = "default") => ({
  resource,
  ...(resource.namespaced ? { namespace } : {}),
  ...(name === undefined ? {} : { name }),
});

export function ruleFor(apiGroup: string, resource: string): JsonObject {
  return {
    apiGroups: [apiGroup],
    apiVersions: ["v1"],
    operations: ["CREATE", "UPDATE"],
    resources: [resource],
  };
}
