import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { PriorityClass } from "#proto/scheduling/v1";
import { priorityClasses } from "#resources";
import type { Reader } from "../chain/steps.ts";
import { isCreateOf, type Plugin } from "./plugin.ts";

/** Turns a pod's priorityClassName into the number that the scheduler compares. */
export const priority: Plugin = async (request, reader) => {
  const { object } = request;
  if (!isCreateOf(request, "Pod") || object === undefined) return undefined;
  const spec = object["spec"] as JsonObject;
  const wanted = (spec["priorityClassName"] ?? "") as string;
  const found = wanted === "" ? await globalDefault(reader) : await named(reader, wanted);
  const value = found?.value ?? 0;
  if (spec["priority"] !== undefined && spec["priority"] !== value) {
    const { name = "" } = request;
    throw new StatusError(
      "Forbidden",
      `pods "${name}" is forbidden: the integer value of priority (${spec["priority"]}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
    );
  }
  return {
    ...object,
    spec: {
      ...spec,
      priority: value,
      ...(found === undefined ? {} : { priorityClassName: found.metadata.name }),
      preemptionPolicy:
        spec["preemptionPolicy"] ?? found?.preemptionPolicy ?? "PreemptLowerPriority",
    },
  };
};

async function named(reader: Reader, name: string): Promise<PriorityClass> {
  const found = await reader.get(priorityClasses, undefined, name);
  if (found !== undefined) return found.object as PriorityClass;
  throw new StatusError("Forbidden", `no PriorityClass with name ${name} was found`);
}

/** Of several the lowest, as Kubernetes. */
async function globalDefault(reader: Reader): Promise<PriorityClass | undefined> {
  const { items } = await reader.list({ resource: priorityClasses });
  return items
    .map((item) => item.object as PriorityClass)
    .filter((each) => each.globalDefault === true)
    .toSorted((a, b) => a.value - b.value)[0];
}
