/** An API in this process with one policy in it, for the tests of both kinds. */
import type { JsonObject } from "#lib/json";
import type { Resource } from "#resources";
import type { InProcess } from "../../chain/core.ts";
import { TestCores } from "../../test-core.ts";

export interface Apis {
  /** Everybody may do everything but delete deployments. */
  open(): Promise<InProcess>;
  close(): Promise<unknown>;
}

export function apis(): Apis {
  const cores = new TestCores();
  return {
    async open() {
      const core = await cores.openAdmitting(
        ["default", "other"],
        {},
        ({ resource, verb }) => verb !== "delete" || resource !== "deployments",
      );
      return core.as({ name: "eve", groups: ["devs"] });
    },
    close: () => cores.close(),
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
