/** What the objects in the store say, as the dispatcher takes it. Pure. */
import type { JsonObject } from "#lib/json";
import type { FlowSchema, PriorityLevelConfiguration } from "#proto/flowcontrol/v1";
import { inOrder } from "./classify.ts";
import { DEFAULT_LEVELS, DEFAULT_SCHEMAS, type DefaultObject } from "./default-objects.ts";
import type { Queuing } from "./level.ts";
import type { LevelShares } from "./limits.ts";

export interface LevelConfiguration extends LevelShares {
  readonly name: string;
  readonly uid: string;
  readonly queuing?: Queuing;
}

export interface Configuration {
  /** In the order in which they are tried; each has its level among `levels`. */
  readonly schemas: readonly FlowSchema[];
  readonly levels: readonly LevelConfiguration[];
}

/** Mandatory objects that are not there are imagined: no request is ever without a level. */
export function configurationOf(
  schemas: readonly FlowSchema[],
  levels: readonly PriorityLevelConfiguration[],
): Configuration {
  const allLevels = withMandatory(levels, DEFAULT_LEVELS);
  const names = new Set(allLevels.map(({ metadata }) => metadata.name));
  const known = withMandatory(schemas, DEFAULT_SCHEMAS).filter((schema) =>
    names.has(schema.spec.priorityLevelConfiguration.name),
  );
  return { schemas: inOrder(known), levels: allLevels.map(levelOf) };
}

type Kind = FlowSchema | PriorityLevelConfiguration;

function withMandatory<T extends Kind>(
  found: readonly T[],
  defaults: readonly DefaultObject[],
): readonly T[] {
  const names = new Set(found.map(({ metadata }) => metadata.name));
  const missing = defaults.filter(({ isMandatory, name }) => isMandatory && !names.has(name));
  return [...found, ...missing.map(imagined<T>)];
}

function imagined<T>({ name, spec }: DefaultObject): T {
  const object: JsonObject = { metadata: { name, uid: "" }, spec, status: {} };
  return object as unknown as T;
}

function levelOf({ metadata, spec }: PriorityLevelConfiguration): LevelConfiguration {
  const { name = "", uid = "" } = metadata;
  const { exempt, limited } = spec;
  const { lendablePercent = 0, nominalConcurrencyShares: shares = 0 } = limited ?? exempt ?? {};
  const { borrowingLimitPercent, limitResponse } = limited ?? {};
  const queuing = limitResponse?.queuing;
  return {
    name,
    uid,
    isExempt: spec.type === "Exempt",
    shares,
    lendablePercent,
    ...(borrowingLimitPercent === undefined ? {} : { borrowingLimitPercent }),
    ...(queuing === undefined ? {} : { queuing }),
  };
}
