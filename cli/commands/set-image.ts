import type { PodSpec } from "#proto/core/v1";
import { pathOf } from "../connection/path.ts";
import type { Session } from "../session.ts";
import { UserError } from "../terminal.ts";

/** `naru set image deployment/web app=nginx:1.27`: changes images in an object's pod template, or in a pod. */
export async function setImage(session: Session, words: readonly string[]): Promise<void> {
  const assignments = words.filter((word) => word.includes("="));
  const objects = await session.objectArguments(words.filter((word) => !word.includes("=")));
  if (assignments.length === 0) {
    throw new UserError("name a container and its image, for example app=nginx:1.27");
  }
  for (const { resource, name } of objects) {
    if (name === undefined) throw new UserError(`name the ${resource.plural} to change`);
    const path = pathOf({ resource, namespace: session.namespace, name });
    const object = await session.connection.json<{
      spec: PodSpec & { template?: { spec: PodSpec } };
    }>(path);
    const spec = object.spec.template?.spec ?? object.spec;
    const change = imagesOf(spec, assignments, `${resource.singular}/${name}`);
    await session.connection.json(path, {
      method: "PATCH",
      contentType: "application/strategic-merge-patch+json",
      query: { fieldManager: "naru-set" },
      body:
        object.spec.template === undefined
          ? { spec: change }
          : { spec: { template: { spec: change } } },
    });
    const group = resource.group === "" ? "" : `.${resource.group}`;
    session.terminal.out(`${resource.singular}${group}/${name} image updated\n`);
  }
}

type ImageList = readonly { readonly name: string; readonly image: string }[];

function imagesOf(
  spec: PodSpec,
  assignments: readonly string[],
  what: string,
): Readonly<Record<string, ImageList>> {
  const containers: { name: string; image: string }[] = [];
  const initContainers: { name: string; image: string }[] = [];
  for (const assignment of assignments) {
    const at = assignment.indexOf("=");
    const name = assignment.slice(0, at);
    const image = assignment.slice(at + 1);
    const inMain = spec.containers.filter((each) => name === "*" || each.name === name);
    const inInit = (spec.initContainers ?? []).filter((each) => each.name === name);
    if (inMain.length + inInit.length === 0) {
      const have = [...spec.containers, ...(spec.initContainers ?? [])].map((each) => each.name);
      throw new UserError(
        `${what} has no container ${JSON.stringify(name)}; it has: ${have.join(", ")}`,
      );
    }
    containers.push(...inMain.map((each) => ({ name: each.name, image })));
    initContainers.push(...inInit.map((each) => ({ name: each.name, image })));
  }
  return {
    ...(containers.length === 0 ? {} : { containers }),
    ...(initContainers.length === 0 ? {} : { initContainers }),
  };
}
