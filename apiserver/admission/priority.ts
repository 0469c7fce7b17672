import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { PriorityClass } from "#proto/scheduling/v1";
import { priorityClasses } from "#resources";
import type { AdmissionRequest, Reader } from "../chain/steps.ts";
import { isCreateOf, type Plugin, type Validator } from "./plugin.ts";
import { refused } from "./refusal.ts";

/** Turns a pod's priorityClassName into the number that the scheduler compares. */
export const priority: Plugin = (request, reader) => {
  const { object } = request;
  if (object === undefined || !isCreateOf(request, "Pod")) return undefined;
  return withPriority(request, object, reader);
};

/** Of priority classes one may be the default. */
export const defaultPriority: Validator = (request, reader) => {
  const { object } = request;
  if (object === undefined || request.resource !== priorityClasses) return undefined;
  return checkDefault(request, object, reader);
};

async function checkDefault(
  request: AdmissionRequest,
  object: JsonObject,
  reader: Reader,
): Promise<void> {
  if (object["globalDefault"] !== true) return;
  const other = await globalDefault(reader);
  const { name = "" } = request;
  if (other === undefined || other.metadata.name === name) return;
  const why = `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`;
  throw new StatusError("Forbidden", `priorityclasses "${name}" is forbidden: ${why}`);
}

async function withPriority(
  request: AdmissionRequest,
  object: JsonObject,
  reader: Reader,
): Promise<JsonObject> {
  const spec = object["spec"] as JsonObject;
  const wanted = (spec["priorityClassName"] ?? "") as string;
  const found = wanted === "" ? await globalDefault(reader) : await named(reader, wanted);
  const value = found?.value ?? 0;
  const policy = found?.preemptionPolicy ?? "PreemptLowerPriority";
  if (spec["priority"] !== undefined && spec["priority"] !== value) {
    const why = `the integer value of priority (${spec["priority"]}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`;
    throw refused(request, why);
  }
  if (spec["preemptionPolicy"] !== undefined && spec["preemptionPolicy"] !== policy) {
    const why = `the string value of PreemptionPolicy (${spec["preemptionPolicy"]}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`;
    throw refused(request, why);
  }
  return {
    ...object,
    spec: {
      ...spec,
      priority: value,
      ...(found === undefined ? {} : { priorityClassName: found.metadata.name }),
      preemptionPolicy: policy,
    },
  };
}

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
