import { isDeepStrictEqual } from "node:util";
import { qosClass } from "#lib/api/pod-resources";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { Pod, Toleration } from "#proto/core/v1";
import { namespaces, pods } from "#resources";
import type { AdmissionRequest, Reader } from "../../chain/steps.ts";
import { isCreateOf, isWriteOf, type Plugin, type Validator } from "../plugin.ts";
import { refused } from "../refusal.ts";

const DEFAULTS = "scheduler.alpha.kubernetes.io/defaultTolerations";
const ALLOWED = "scheduler.alpha.kubernetes.io/tolerationsWhitelist";
/** Pods that were promised memory may stay where it becomes scarce. */
const MEMORY_PRESSURE: Toleration = {
  key: "node.kubernetes.io/memory-pressure",
  operator: "Exists",
  effect: "NoSchedule",
};

/** A namespace says by annotations, as JSON lists, which tolerations its pods get. */
export const defaultTolerations: Plugin = (request, reader) => {
  const { namespace = "", object } = request;
  if (object === undefined || !isCreateOf(request, "Pod")) return undefined;
  return tolerationsIn(reader, namespace, DEFAULTS).then((added) => {
    const { spec } = object as unknown as Pod;
    const promised = qosClass(object as unknown as Pod) === "BestEffort" ? [] : [MEMORY_PRESSURE];
    const own = spec.tolerations ?? [];
    const wanted = [...added, ...promised].filter(
      (each) => !own.some((known) => isDeepStrictEqual(known, each)),
    );
    if (wanted.length === 0) return undefined;
    const tolerations = [...own, ...wanted];
    return { ...object, spec: { ...spec, tolerations } as unknown as JsonObject };
  });
};

/** And which they may have. */
export const allowedTolerations: Validator = (request, reader) =>
  isWriteOf(request, pods) ? checkAllowed(request, reader) : undefined;

async function checkAllowed(request: AdmissionRequest, reader: Reader): Promise<void> {
  const { namespace = "", object } = request;
  const allowed = await tolerationsIn(reader, namespace, ALLOWED);
  if (allowed.length === 0) return;
  const own = (object as unknown as Pod).spec.tolerations ?? [];
  if (own.every((each) => allowed.some((wide) => covers(wide, each)))) return;
  const why =
    "pod tolerations (possibly merged with namespace default tolerations) conflict with its namespace whitelist";
  throw refused(request, why);
}

/** Whether what the second tolerates the first does as well. */
function covers(wide: Toleration, narrow: Toleration): boolean {
  if (isDeepStrictEqual(wide, narrow)) return true;
  const isAnyKey = (wide.key ?? "") === "";
  if (!isAnyKey && wide.key !== narrow.key) return false;
  if (wide.effect && wide.effect !== narrow.effect) return false;
  if (wide.effect === "NoExecute" && wide.tolerationSeconds !== undefined) {
    const seconds = narrow.tolerationSeconds;
    if (seconds === undefined || Number(seconds) > Number(wide.tolerationSeconds)) return false;
  }
  if (wide.operator === "Exists") return true;
  return narrow.operator !== "Exists" && (wide.value ?? "") === (narrow.value ?? "");
}

async function tolerationsIn(
  reader: Reader,
  namespace: string,
  annotation: string,
): Promise<readonly Toleration[]> {
  const found = await reader.get(namespaces, undefined, namespace);
  const text = found?.object.metadata.annotations?.[annotation] ?? "";
  if (text === "") return [];
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list)) return list as readonly Toleration[];
  } catch {
    // Falls through to the error: whatever it is, it is no list.
  }
  const what = `annotation ${annotation} of namespace ${namespace}`;
  throw new StatusError("InternalError", `${what} is not a JSON list of tolerations`);
}
