/** What every cluster has from its first second: created when missing, left alone when there. */

import { ipv4Text, parseCidr } from "#lib/api/cidr";
import { assert } from "#lib/assert";
import type { JsonObject } from "#lib/json";
import {
  endpointSlices,
  endpoints,
  namespaces,
  priorityClasses,
  type Resource,
  services,
  storageClasses,
} from "#resources";
import type { Core } from "../chain/core.ts";
import { metaOf } from "../chain/object-meta.ts";
import type { User } from "../chain/steps.ts";
import { reconcileDefaultAccess, reconcileNamespaceAccess } from "./default-access.ts";

/** The server's own hand. */
export const LOOPBACK: User = { name: "system:apiserver", groups: ["system:masters"] };

export interface Bootstrap {
  readonly host: string;
  readonly restPort: number;
  readonly serviceCidr: string;
}

interface Wanted {
  readonly resource: Resource;
  readonly namespace?: string;
  readonly object: JsonObject;
}

export async function createBootstrapObjects(core: Core, options: Bootstrap): Promise<void> {
  const api = core.as(LOOPBACK);
  await reconcileDefaultAccess(api);
  for (const { resource, namespace, object } of bootstrapObjects(options)) {
    const target = namespace === undefined ? { resource } : { resource, namespace };
    const { name = "" } = metaOf(object);
    // Asked first: the server's own service would be refused, since its address is taken by itself.
    const isThere = async (): Promise<boolean> =>
      (await core.steps.reader.get(resource, namespace, name)) !== undefined;
    if (await isThere()) continue;
    try {
      await api.create(target, object);
    } catch (error) {
      // Another server was quicker.
      if (!(await isThere())) throw error;
    }
  }
  await reconcileNamespaceAccess(api);
}

/** Volumes on the disk of the node that the first pod which uses them runs on. */
const LOCAL_PATH: Wanted = {
  resource: storageClasses,
  object: {
    metadata: {
      name: "local-path",
      annotations: { "storageclass.kubernetes.io/is-default-class": "true" },
    },
    provisioner: "naru.dev/local-path",
    reclaimPolicy: "Delete",
    volumeBindingMode: "WaitForFirstConsumer",
    allowVolumeExpansion: false,
  },
};

function bootstrapObjects(options: Bootstrap): readonly Wanted[] {
  const spaces = ["default", "kube-system", "kube-public", "kube-node-lease"].map((name) => ({
    resource: namespaces,
    object: { metadata: { name } },
  }));
  const classes = [
    { name: "system-node-critical", value: 2_000_001_000 },
    { name: "system-cluster-critical", value: 2_000_000_000 },
  ].map(({ name, value }) => ({
    resource: priorityClasses,
    object: {
      metadata: { name },
      value,
      description: `Used for pods that must not be evicted while they can be kept: ${name}.`,
    },
  }));
  return [...spaces, ...classes, LOCAL_PATH, ...ownService(options)];
}

/** How pods find the API: the service `kubernetes`, whose endpoints are this server. */
function ownService({ host, restPort, serviceCidr }: Bootstrap): readonly Wanted[] {
  const serviceAddress = firstAddress(serviceCidr);
  const namespace = "default";
  const metadata = { name: "kubernetes", namespace };
  const ports = [{ name: "https", port: restPort, protocol: "TCP" }];
  const service = {
    metadata: { ...metadata, labels: { component: "apiserver", provider: "kubernetes" } },
    spec: {
      type: "ClusterIP",
      clusterIP: serviceAddress,
      clusterIPs: [serviceAddress],
      ports: [{ name: "https", port: 443, targetPort: restPort, protocol: "TCP" }],
    },
  };
  const slice = {
    metadata: { ...metadata, labels: { "kubernetes.io/service-name": "kubernetes" } },
    addressType: "IPv4",
    endpoints: [{ addresses: [host], conditions: { ready: true } }],
    ports,
  };
  const own = { resource: services, namespace, object: service };
  // A port that the kernel is to choose is not known yet, and is nobody's but a test's.
  if (restPort === 0) return [own];
  return [
    own,
    {
      resource: endpoints,
      namespace,
      // Its slice is written here as well, so nobody has to mirror it.
      object: {
        metadata: { ...metadata, labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } },
        subsets: [{ addresses: [{ ip: host }], ports }],
      },
    },
    { resource: endpointSlices, namespace, object: slice },
  ];
}

/** The first address of the service range is the API server's own. */
function firstAddress(serviceCidr: string): string {
  const range = parseCidr(serviceCidr);
  assert(range?.family === "IPv4", `the service range ${serviceCidr} is no IPv4 network`);
  return ipv4Text(Number(range.first) + 1);
}
