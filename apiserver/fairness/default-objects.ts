/**
 * The priority levels and flow schemas that every cluster has: the mandatory ones, which nobody can change, and the
 * suggested ones, as Kubernetes 1.36 has them.
 * https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#defaults
 */
import type { JsonObject } from "#lib/json";

export interface DefaultObject {
  readonly name: string;
  readonly isMandatory: boolean;
  readonly spec: JsonObject;
}

interface Limits {
  readonly shares: number;
  readonly lendable: number;
  readonly queues: number;
  readonly handSize: number;
}

const QUEUE_LENGTH_MAX = 50;

/** The one level without limits; of all, only this may be so. */
export const EXEMPT = "exempt";
/** Of schemas and levels: what nothing else is for. */
export const CATCH_ALL = "catch-all";

export const DEFAULT_LEVELS: readonly DefaultObject[] = [
  {
    name: EXEMPT,
    isMandatory: true,
    spec: { type: "Exempt", exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
  },
  {
    name: CATCH_ALL,
    isMandatory: true,
    spec: {
      type: "Limited",
      limited: {
        nominalConcurrencyShares: 5,
        lendablePercent: 0,
        limitResponse: { type: "Reject" },
      },
    },
  },
  level("system", { shares: 30, lendable: 33, queues: 64, handSize: 6 }),
  level("node-high", { shares: 40, lendable: 25, queues: 64, handSize: 6 }),
  level("leader-election", { shares: 10, lendable: 0, queues: 16, handSize: 4 }),
  level("workload-high", { shares: 40, lendable: 50, queues: 128, handSize: 6 }),
  level("workload-low", { shares: 100, lendable: 90, queues: 128, handSize: 6 }),
  level("global-default", { shares: 20, lendable: 50, queues: 128, handSize: 6 }),
];

function level(name: string, { handSize, lendable, queues, shares }: Limits): DefaultObject {
  const queuing = { queues, handSize, queueLengthLimit: QUEUE_LENGTH_MAX };
  return {
    name,
    isMandatory: false,
    spec: {
      type: "Limited",
      limited: {
        nominalConcurrencyShares: shares,
        lendablePercent: lendable,
        limitResponse: { type: "Queue", queuing },
      },
    },
  };
}

type Distinguisher = "ByNamespace" | "ByUser";

interface Schema {
  readonly level: string;
  readonly precedence: number;
  readonly by?: Distinguisher;
  readonly isMandatory?: boolean;
  readonly subjects: readonly JsonObject[];
  /** Left out: about everything. */
  readonly resources?: readonly JsonObject[];
  readonly paths?: readonly JsonObject[];
}

const EVERYBODY = groups("system:unauthenticated", "system:authenticated");
const CONTROLLERS = "system:kube-controller-manager";
const SCHEDULER = "system:kube-scheduler";
const NODES = groups("system:nodes");
const SYSTEM_ACCOUNTS = {
  kind: "ServiceAccount",
  serviceAccount: { namespace: "kube-system", name: "*" },
};
const ANY_RESOURCE = {
  verbs: ["*"],
  apiGroups: ["*"],
  resources: ["*"],
  namespaces: ["*"],
  clusterScope: true,
};
const ANY_PATH = { verbs: ["*"], nonResourceURLs: ["*"] };

export const DEFAULT_SCHEMAS: readonly DefaultObject[] = [
  schema(EXEMPT, {
    level: EXEMPT,
    precedence: 1,
    isMandatory: true,
    subjects: groups("system:masters"),
  }),
  schema(CATCH_ALL, {
    level: CATCH_ALL,
    precedence: 10_000,
    by: "ByUser",
    isMandatory: true,
    subjects: EVERYBODY,
  }),
  schema("probes", {
    level: EXEMPT,
    precedence: 2,
    subjects: EVERYBODY,
    resources: [],
    paths: [{ verbs: ["get"], nonResourceURLs: ["/healthz", "/readyz", "/livez"] }],
  }),
  schema("system-leader-election", {
    level: "leader-election",
    precedence: 100,
    by: "ByUser",
    subjects: [...users(CONTROLLERS, SCHEDULER), SYSTEM_ACCOUNTS],
    resources: [leases(["get", "create", "update"])],
    paths: [],
  }),
  schema("system-node-high", {
    level: "node-high",
    precedence: 400,
    by: "ByUser",
    subjects: NODES,
    resources: [
      { ...ANY_RESOURCE, apiGroups: [""], resources: ["nodes", "nodes/status"] },
      leases(["*"]),
    ],
    paths: [],
  }),
  schema("system-nodes", { level: "system", precedence: 500, by: "ByUser", subjects: NODES }),
  schema("kube-controller-manager", {
    level: "workload-high",
    precedence: 800,
    by: "ByNamespace",
    subjects: users(CONTROLLERS),
  }),
  schema("kube-scheduler", {
    level: "workload-high",
    precedence: 800,
    by: "ByNamespace",
    subjects: users(SCHEDULER),
  }),
  schema("kube-system-service-accounts", {
    level: "workload-high",
    precedence: 900,
    by: "ByNamespace",
    subjects: [SYSTEM_ACCOUNTS],
  }),
  schema("service-accounts", {
    level: "workload-low",
    precedence: 9000,
    by: "ByUser",
    subjects: groups("system:serviceaccounts"),
  }),
  schema("global-default", {
    level: "global-default",
    precedence: 9900,
    by: "ByUser",
    subjects: EVERYBODY,
  }),
];

function schema(name: string, given: Schema): DefaultObject {
  const { by, isMandatory = false, level, paths = [ANY_PATH], precedence, subjects } = given;
  const { resources = [ANY_RESOURCE] } = given;
  const rule = {
    subjects,
    ...(resources.length === 0 ? {} : { resourceRules: resources }),
    ...(paths.length === 0 ? {} : { nonResourceRules: paths }),
  };
  return {
    name,
    isMandatory,
    spec: {
      priorityLevelConfiguration: { name: level },
      matchingPrecedence: precedence,
      ...(by === undefined ? {} : { distinguisherMethod: { type: by } }),
      rules: [rule],
    },
  };
}

function leases(verbs: readonly string[]): JsonObject {
  return {
    verbs,
    apiGroups: ["coordination.k8s.io"],
    resources: ["leases"],
    namespaces: ["*"],
  };
}

function groups(...names: readonly string[]): readonly JsonObject[] {
  return names.map((name) => ({ kind: "Group", group: { name } }));
}

function users(...names: readonly string[]): readonly JsonObject[] {
  return names.map((name) => ({ kind: "User", user: { name } }));
}

/** A mandatory object's spec; undefined for all other names. */
export function mandatorySpec(
  objects: readonly DefaultObject[],
  name: string | undefined,
): JsonObject | undefined {
  return objects.find((each) => each.isMandatory && each.name === name)?.spec;
}
