import type { JsonValue } from "#lib/json";
import type { ApiObject } from "#proto";
import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from "#proto/apps/v1";
import type { CronJob, Job } from "#proto/batch/v1";
import type { Node, Pod, ReplicationController, Service } from "#proto/core/v1";
import type { EndpointSlice } from "#proto/discovery/v1";
import {
  cronJobs,
  daemonSets,
  deployments,
  endpointSlices,
  jobs,
  nodes,
  pods,
  type Resource,
  replicaSets,
  replicationControllers,
  services,
  statefulSets,
} from "#resources";
import { pathOf } from "../connection/path.ts";
import { describeCronJob, describeJob } from "../describe/batch.ts";
import { metadataPairs, type Pairs } from "../describe/common.ts";
import { describeNode } from "../describe/node.ts";
import { describePod } from "../describe/pod.ts";
import { describeService } from "../describe/service.ts";
import {
  describeDaemonSet,
  describeDeployment,
  describeReplicaSet,
  describeReplicationController,
  describeStatefulSet,
} from "../describe/workload.ts";
import { formatDescription } from "../print/description.ts";
import { formatTable } from "../print/table.ts";
import { formatYaml } from "../print/yaml.ts";
import type { Session } from "../session.ts";
import { UserError } from "../terminal.ts";
import { eventsAbout } from "./events.ts";

export interface DescribeOptions {
  readonly selector?: string;
}

/** Shows objects for people, with what happened to them. */
export async function describe(
  session: Session,
  words: readonly string[],
  options: DescribeOptions,
): Promise<void> {
  const described: string[] = [];
  for (const { resource, name } of await session.objectArguments(words)) {
    for (const object of await objectsOf(session, resource, name, options)) {
      described.push(await describeOne(session, resource, object));
    }
  }
  if (described.length === 0) throw new UserError("no objects found");
  session.terminal.out(described.join("\n\n"));
}

async function objectsOf(
  session: Session,
  resource: Resource,
  name: string | undefined,
  options: DescribeOptions,
): Promise<readonly ApiObject[]> {
  const namespace = session.allNamespaces && name === undefined ? undefined : session.namespace;
  const path = pathOf({ resource, namespace, name });
  if (name !== undefined) return [await session.connection.json<ApiObject>(path)];
  const query = { labelSelector: options.selector };
  const { items } = await session.connection.json<{ readonly items: readonly ApiObject[] }>(path, {
    query,
  });
  return items;
}

async function describeOne(
  session: Session,
  resource: Resource,
  object: ApiObject,
): Promise<string> {
  const pairs = await pairsOf(session, resource, object);
  const text = pairs === undefined ? generic(object) : formatDescription(pairs);
  const { name, namespace, uid } = object.metadata;
  const rows = await eventsAbout(session, { kind: resource.kind, name, namespace, uid });
  if (rows.length === 0) return `${text}Events:   <none>\n`;
  const table = formatTable(["Type", "Reason", "Age", "From", "Message"], rows);
  return `${text}Events:\n${table.replace(/^/gm, "  ").trimEnd()}\n`;
}

async function pairsOf(
  session: Session,
  resource: Resource,
  object: ApiObject,
): Promise<Pairs | undefined> {
  switch (resource) {
    case pods:
      return describePod(object as Pod);
    case deployments:
      return describeDeployment(object as Deployment);
    case replicaSets:
      return describeReplicaSet(object as ReplicaSet);
    case daemonSets:
      return describeDaemonSet(object as DaemonSet);
    case replicationControllers:
      return describeReplicationController(object as ReplicationController);
    case statefulSets:
      return describeStatefulSet(object as StatefulSet);
    case cronJobs:
      return describeCronJob(object as CronJob);
    case jobs:
      return describeJob(object as Job);
    case nodes:
      return describeNode(object as Node);
    case services:
      return describeService(object as Service, await addressesOf(session, object as Service));
    default:
      return undefined;
  }
}

async function addressesOf(session: Session, service: Service): Promise<readonly string[]> {
  const path = pathOf({ resource: endpointSlices, namespace: service.metadata.namespace });
  const query = { labelSelector: `kubernetes.io/service-name=${service.metadata.name}` };
  const { items } = await session.connection.json<{ readonly items: readonly EndpointSlice[] }>(
    path,
    { query },
  );
  return items.flatMap((slice) =>
    slice.endpoints
      .filter((endpoint) => endpoint.conditions?.ready !== false)
      .flatMap((endpoint) => endpoint.addresses)
      .flatMap((address) => (slice.ports ?? []).map((port) => `${address}:${port.port}`)),
  );
}

/** Kinds without a describer of their own: metadata, then the rest as it is written. */
function generic(object: ApiObject): string {
  const {
    apiVersion: _a,
    kind: _k,
    metadata: _m,
    ...rest
  } = object as ApiObject & Record<string, JsonValue>;
  const body = Object.keys(rest).length === 0 ? "" : formatYaml(rest as JsonValue);
  return formatDescription(metadataPairs(object)) + body;
}
