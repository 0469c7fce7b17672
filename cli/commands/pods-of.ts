import { labelSelectorToString } from "#lib/api/selector";
import type { Pod } from "#proto/core/v1";
import type { LabelSelector } from "#proto/meta/v1";
import { pods } from "#resources";
import { pathOf } from "../connection/path.ts";
import type { Session } from "../session.ts";
import { UserError } from "../terminal.ts";

/** The pod that `web`, `pod/web`, `deploy/web` or `svc/web` means: of several, one that is ready and has run longest. */
export async function podOf(session: Session, word: string): Promise<Pod> {
  const [named] = await session.namedObjects([word], pods);
  if (named === undefined) throw new UserError("name a pod");
  const { namespace } = session;
  if (named.resource === pods) return session.connection.json<Pod>(pathOf({ ...named, namespace }));
  const owner = await session.connection.json<{ readonly spec?: { readonly selector?: unknown } }>(
    pathOf({ ...named, namespace }),
  );
  const labelSelector = selectorText(owner.spec?.selector);
  if (labelSelector === undefined) throw new UserError(`${word} does not choose pods`);
  const found = await podsBySelector(session, labelSelector);
  const best = found.toSorted(bestFirst)[0];
  if (best === undefined) throw new UserError(`${word} has no pods (selector ${labelSelector})`);
  return best;
}

export async function podsBySelector(
  session: Session,
  labelSelector: string,
): Promise<readonly Pod[]> {
  const namespace = session.allNamespaces ? undefined : session.namespace;
  const path = pathOf({ resource: pods, namespace });
  const { items } = await session.connection.json<{ readonly items: readonly Pod[] }>(path, {
    query: { labelSelector },
  });
  return items;
}

/** Services select by plain labels, workloads by a LabelSelector. */
function selectorText(selector: unknown): string | undefined {
  if (typeof selector !== "object" || selector === null) return undefined;
  const isLabelSelector = "matchLabels" in selector || "matchExpressions" in selector;
  if (isLabelSelector) return labelSelectorToString(selector as LabelSelector);
  return labelSelectorToString({ matchLabels: selector as Readonly<Record<string, string>> });
}

function bestFirst(a: Pod, b: Pod): number {
  const readiness = Number(isReady(b)) - Number(isReady(a));
  return readiness || (a.status.startTime ?? "9").localeCompare(b.status.startTime ?? "9");
}

function isReady(pod: Pod): boolean {
  return (pod.status.conditions ?? []).some(
    (each) => each.type === "Ready" && each.status === "True",
  );
}

/** kubectl's choice where the user names none: the annotation, else the first. */
export function defaultContainer(pod: Pod): string {
  const annotated = pod.metadata.annotations?.["kubectl.kubernetes.io/default-container"];
  return annotated ?? pod.spec.containers[0]?.name ?? "";
}

/** Refuses a container that the pod does not have, naming those it has. */
export function checkContainer(pod: Pod, name: string): string {
  const { containers, initContainers = [], ephemeralContainers = [] } = pod.spec;
  const names = [...containers, ...initContainers, ...ephemeralContainers].map((each) => each.name);
  if (names.includes(name)) return name;
  throw new UserError(
    `pod/${pod.metadata.name} has no container ${JSON.stringify(name)}; it has: ${names.join(", ")}`,
  );
}
