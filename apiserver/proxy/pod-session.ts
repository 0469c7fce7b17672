/** Which pod, container and node a stream is about, and what to ask of the node. */
import { StatusError } from "#lib/status-error";
import type { Container, Pod } from "#proto/core/v1";
import type { SessionRequest } from "#services/tunnel";
import type { SessionWhat } from "./tunnel.ts";

export type What = NonNullable<SessionRequest["what"]>;

export interface Place {
  readonly node: string;
  readonly what: SessionWhat;
}

export function place(pod: Pod, what: What): Place {
  const { name, namespace = "", uid } = pod.metadata;
  const node = pod.spec?.nodeName ?? "";
  if (node === "")
    throw new StatusError(
      "BadRequest",
      `pod "${name}" is not on a node yet: it waits for the scheduler`,
    );
  return { node, what: { namespace, pod: name, podUid: uid, what } };
}

/** The one asked for; without a name the only one, or the one that the pod's annotation says. */
export function containerOf(pod: Pod, asked: string | null): string {
  const { name } = pod.metadata;
  const containers = pod.spec?.containers ?? [];
  const all = [
    ...containers,
    ...(pod.spec?.initContainers ?? []),
    ...((pod.spec?.ephemeralContainers ?? []) as readonly Pick<Container, "name">[]),
  ];
  if (asked) {
    if (all.some((container) => container.name === asked)) return asked;
    throw new StatusError("BadRequest", `container ${asked} is not valid for pod ${name}`);
  }
  const annotated = pod.metadata.annotations?.["kubectl.kubernetes.io/default-container"];
  if (annotated !== undefined && all.some((container) => container.name === annotated))
    return annotated;
  const [only] = containers;
  if (only !== undefined && containers.length === 1) return only.name;
  const names = containers.map((container) => container.name).join(" ");
  throw new StatusError(
    "BadRequest",
    `a container name must be specified for pod ${name}, choose one of: [${names}]`,
  );
}
