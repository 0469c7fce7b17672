import { pathOf } from "../connection/path.ts";
import type { Session } from "../session.ts";
import { UserError } from "../terminal.ts";

export interface ScaleOptions {
  readonly replicas: number;
  readonly currentReplicas?: number;
}

interface Scale {
  readonly metadata: { readonly resourceVersion: string };
  readonly spec: { readonly replicas?: number };
}

/** Sets the wanted number of replicas through the scale sub-resource. */
export async function scale(
  session: Session,
  words: readonly string[],
  options: ScaleOptions,
): Promise<void> {
  for (const { resource, name } of await session.objectArguments(words)) {
    if (name === undefined) throw new UserError(`name the ${resource.plural} to scale`);
    if (!resource.subresources.some((each) => each.name === "scale")) {
      throw new UserError(`${resource.plural} cannot be scaled`);
    }
    const path = pathOf({ resource, namespace: session.namespace, name, subresource: "scale" });
    const current = await session.connection.json<Scale>(path);
    const have = current.spec.replicas ?? 0;
    if (options.currentReplicas !== undefined && have !== options.currentReplicas) {
      throw new UserError(
        `${resource.singular}/${name} has ${have} replicas, not ${options.currentReplicas}; nothing was changed`,
      );
    }
    // With the version read, so that a change in between is a conflict and not lost.
    const { resourceVersion } = current.metadata;
    const precondition =
      options.currentReplicas === undefined ? {} : { metadata: { resourceVersion } };
    await session.connection.json(path, {
      method: "PATCH",
      contentType: "application/merge-patch+json",
      body: { ...precondition, spec: { replicas: options.replicas } },
    });
    const group = resource.group === "" ? "" : `.${resource.group}`;
    session.terminal.out(`${resource.singular}${group}/${name} scaled\n`);
  }
}
