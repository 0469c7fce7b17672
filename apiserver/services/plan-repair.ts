/** What is wrong between services and the records of what they have, and how to mend it. Pure. */
import { type Cidr, contains, familyOf } from "#lib/api/cidr";
import type { JsonObject } from "#lib/json";
import type { ApiObject } from "#proto";
import type { Service } from "#proto/core/v1";
import { ipAddresses } from "#resources";
import type { Published } from "../chain/published.ts";
import type { Commit } from "../chain/steps.ts";
import { NODE_PORTS } from "./choose-ports.ts";
import {
  type Birth,
  type Claim,
  claimsOf,
  holderOf,
  isHeldBy,
  isLabelled,
  isOwnRecord,
  isSameClaim,
  nodePortRecords,
  recordOf,
} from "./records.ts";

export interface Observed {
  readonly services: readonly Service[];
  /** IPAddresses and records of node ports. */
  readonly records: readonly Published[];
  /** Of all ServiceCIDRs. */
  readonly ranges: readonly Cidr[];
}

/** What people are told, in Kubernetes' words. */
export interface Problem {
  readonly about: ApiObject;
  readonly reason: string;
  readonly action: string;
  readonly note: string;
}

export interface RepairStep {
  readonly problem?: Problem;
  /** Absent where only a person can mend it. */
  readonly commit?: Commit;
}

export function planRepair(observed: Observed, newBirth: () => Birth): readonly RepairStep[] {
  const { records, services } = observed;
  const byKey = new Map(records.map((record) => [keyOf(claimIn(record)), record]));
  const byPlace = new Map(services.map((each) => [placeOf(each.metadata), each]));
  const look = { ...observed, byKey, byPlace, newBirth };
  return [
    ...services.flatMap((service) =>
      claimsOf(service).flatMap((claim) => stepFor(look, service, claim) ?? []),
    ),
    ...records.flatMap((record) => leakOf(look, record) ?? []),
  ];
}

interface Look extends Observed {
  readonly byKey: ReadonlyMap<string, Published>;
  readonly byPlace: ReadonlyMap<string, Service>;
  readonly newBirth: () => Birth;
}

function stepFor(look: Look, service: Service, claim: Claim): RepairStep | undefined {
  const told = wordsFor(claim);
  const tell = (reason: string, note: string): Problem => ({
    about: service,
    reason: `${told.reason}${reason}`,
    action: told.action,
    note,
  });
  if (!isInRange(look, claim)) return { problem: tell("OutOfRange", told.outOfRange) };
  const record = look.byKey.get(keyOf(claim));
  const commit = (ifRevision: number): Commit => ({
    kind: "put",
    resource: claim.resource,
    object: recordOf(claim, service, look.newBirth()),
    managedFields: [],
    ifRevision,
  });
  if (record === undefined)
    return {
      problem: tell("NotAllocated", `${told.what} is not allocated; repairing`),
      commit: commit(0),
    };
  if (isHeldBy(record.json, service))
    return isLabelled(claim, record.json) ? undefined : { commit: commit(record.revision) };
  const holder = holderOf(record.json);
  const other = holder && look.byPlace.get(placeOf(holder));
  if (other !== undefined && claimsOf(other).some((each) => isSameClaim(each, claim))) {
    const note = `${told.what} was assigned to multiple services; please recreate service`;
    return { problem: tell("AlreadyAllocated", note) };
  }
  return {
    problem: tell("NotAllocated", `${told.what} has a wrong reference; repairing`),
    commit: commit(record.revision),
  };
}

/** A record that no service stands behind. One of a service that has something else is mended above, if it is wanted. */
function leakOf({ byPlace, services }: Look, record: Published): RepairStep | undefined {
  if (!isOwnRecord(record.json)) return undefined;
  const claim = claimIn(record);
  const holder = holderOf(record.json);
  const service = holder && byPlace.get(placeOf(holder));
  const claims = service === undefined ? [] : claimsOf(service);
  if (claims.some((each) => isSameClaim(each, claim))) return undefined;
  const isWanted = services.some((each) =>
    claimsOf(each).some((wanted) => isSameClaim(wanted, claim)),
  );
  if (isWanted) return undefined;
  const commit: Commit = { kind: "delete", resource: claim.resource, published: record };
  const { reason, note } = leakWords(claim, holder, service !== undefined);
  if (claim.resource !== ipAddresses) return { commit };
  return { commit, problem: { about: record.object, reason, action: "IPAddressAllocation", note } };
}

function leakWords(
  { name }: Claim,
  holder: ReturnType<typeof holderOf>,
  isThere: boolean,
): { readonly reason: string; readonly note: string } {
  if (holder === undefined) {
    const note = `IPAddress: ${name} appears to have been modified, not referencing a Service: cleaning up`;
    return { reason: "IPAddressNotAllocated", note };
  }
  const what = `IPAddress: ${name} for Service ${holder.namespace}/${holder.name}`;
  return isThere
    ? { reason: "IPAddressWrongReference", note: `${what} has a wrong reference; cleaning up` }
    : { reason: "IPAddressNotAllocated", note: `${what} appears to have leaked: cleaning up` };
}

function isInRange({ ranges }: Look, { name, resource }: Claim): boolean {
  if (resource === ipAddresses) return ranges.some((range) => contains(range, name));
  return Number(name) >= NODE_PORTS.first && Number(name) <= NODE_PORTS.last;
}

function wordsFor({ name, resource }: Claim) {
  if (resource === ipAddresses) {
    const what = `Cluster IP [${familyOf(name)}]: ${name}`;
    return {
      reason: "ClusterIP",
      action: "ClusterIPAllocation",
      what,
      outOfRange: `${what} is not within any configured Service CIDR; please recreate service`,
    };
  }
  const range = `${NODE_PORTS.first}-${NODE_PORTS.last}`;
  return {
    reason: "Port",
    action: "PortAllocation",
    what: `Port ${name}`,
    outOfRange: `Port ${name} is not within the port range ${range}; please recreate service`,
  };
}

function claimIn({ json, object }: Published): Claim {
  return { resource: resourceOfRecord(json), name: object.metadata.name };
}

function resourceOfRecord({ kind }: JsonObject): Claim["resource"] {
  return kind === ipAddresses.kind ? ipAddresses : nodePortRecords;
}

function keyOf({ name, resource }: Claim): string {
  return `${resource.plural}/${name}`;
}

function placeOf({ name, namespace = "" }: { readonly name: string; readonly namespace?: string }) {
  return `${namespace}/${name}`;
}
