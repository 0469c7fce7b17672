import { type Client, EventRecorder } from "#client";
import { type AccountTokenOptions, accountTokenController } from "./account-token/reconcile.ts";
import type { Authority } from "./certificates/issue.ts";
import { certificatesController } from "./certificates/reconcile.ts";
import { clusterRoleAggregationController } from "./cluster-role-aggregation/watches.ts";
import type { ControllerContext, StartedController } from "./context.ts";
import { cronJobController } from "./cronjob/watches.ts";
import { daemonSetController } from "./daemonset/watches.ts";
import { deploymentController } from "./deployment/watches.ts";
import { disruptionController } from "./disruption/watches.ts";
import { endpointSliceController } from "./endpoint-slice/watches.ts";
import { endpointSliceMirroringController } from "./endpoint-slice-mirroring/watches.ts";
import { garbageCollector } from "./garbage-collector/watches.ts";
import {
  AUTOSCALER_SYNC_MS,
  horizontalPodAutoscalerController,
} from "./horizontal-pod-autoscaler/watches.ts";
import { jobController } from "./job/watches.ts";
import { KindsInUse } from "./kinds-in-use.ts";
import { namespaceController } from "./namespace/watches.ts";
import { NODE_GRACE_MS, nodeLifecycleController } from "./node-lifecycle/watches.ts";
import { persistentVolumeController } from "./persistent-volume/watches.ts";
import { TERMINATED_PODS_MAX } from "./pod-garbage-collector/plan.ts";
import { podGarbageCollector } from "./pod-garbage-collector/watches.ts";
import { quotaController } from "./quota/watches.ts";
import { replicaSetController } from "./replicaset/watches.ts";
import { replicationControllerController } from "./replication-controller/watches.ts";
import { rootAuthorityController } from "./root-authority/reconcile.ts";
import { serviceAccountController } from "./service-account/reconcile.ts";
import { serviceCidrController } from "./service-cidr/watches.ts";
import { statefulSetController } from "./statefulset/watches.ts";
import {
  claimProtectionController,
  volumeProtectionController,
} from "./storage-protection/watches.ts";
import { ttlAfterFinishedController } from "./ttl-after-finished/watches.ts";

export interface ControllersOptions extends Omit<ControllerContext, "recorder"> {
  /**
   * A client that acts as this service account in kube-system, so that each controller has its own rights and no more.
   * Left out: all act as whoever `client` is.
   */
  readonly actingAs?: (account: string) => Client;

  /** Silence after which a node counts as lost. Default: 40 s, as in Kubernetes. */
  readonly nodeGraceMs?: number;
  /** Signs tokens for Secrets that ask for one. Left out: those stay empty. */
  readonly accountTokens?: AccountTokenOptions;
  /** PEM of the authority that pods are to trust. Left out: they are told of none. */
  readonly authority?: string;
  /** Signs requests for certificates. Left out: they wait. */
  readonly signer?: Authority;
  /** Pods that have ended and are kept. Default: 12,500, as in Kubernetes. */
  readonly terminatedPodsMax?: number;
  /** How often autoscalers look at metrics. Default: 15 s, as in Kubernetes. */
  readonly autoscalerSyncMs?: number;
}

/** All controllers, with their handlers in place. Their workers run once the informers have everything. */
export function startControllers(options: ControllersOptions): { close(): Promise<void> } {
  const kinds = new KindsInUse(options.informers);
  const all = [...workloads(options, kinds), ...ofCluster(options, kinds), ...ofVolumes(options)];
  let isClosed = false;
  void options.informers.synced().then(() => {
    if (!isClosed) for (const each of all) each.start();
  });
  return {
    async close() {
      isClosed = true;
      await Promise.all(all.map((each) => each.close()));
    },
  };
}

/** What a controller is handed: the cluster as all see it, and its own name for what it writes. */
function contextOf(
  options: ControllersOptions,
  account: string,
  component = account,
): ControllerContext {
  const { clock, informers, logger, random } = options;
  const client = options.actingAs?.(account) ?? options.client;
  const common = { client, clock, random, logger };
  return { ...common, informers, recorder: new EventRecorder({ ...common, component }) };
}

function workloads(options: ControllersOptions, kinds: KindsInUse): readonly StartedController[] {
  const as = (account: string, component?: string) => contextOf(options, account, component);
  return [
    deploymentController(as("deployment-controller")),
    replicaSetController(as("replicaset-controller")),
    replicationControllerController(as("replication-controller")),
    daemonSetController(as("daemon-set-controller", "daemonset-controller")),
    statefulSetController(as("statefulset-controller")),
    jobController(as("job-controller")),
    cronJobController(as("cronjob-controller")),
    horizontalPodAutoscalerController(
      as("horizontal-pod-autoscaler"),
      kinds,
      options.autoscalerSyncMs ?? AUTOSCALER_SYNC_MS,
    ),
    ttlAfterFinishedController(as("ttl-after-finished-controller")),
    endpointSliceController(as("endpointslice-controller")),
    endpointSliceMirroringController(as("endpointslicemirroring-controller")),
    disruptionController(as("disruption-controller", "controllermanager")),
  ];
}

function ofCluster(options: ControllersOptions, kinds: KindsInUse): readonly StartedController[] {
  const { accountTokens, authority, signer, terminatedPodsMax = TERMINATED_PODS_MAX } = options;
  const as = (account: string) => contextOf(options, account);
  // Tokens are filled in by the program itself, as in Kubernetes: it is what all accounts come from.
  const own = contextOf({ ...options, actingAs: () => options.client }, "tokens-controller");
  return [
    quotaController(as("resourcequota-controller"), kinds),
    garbageCollector(as("generic-garbage-collector"), kinds),
    namespaceController(as("namespace-controller"), kinds),
    serviceAccountController(as("service-account-controller")),
    serviceCidrController(as("service-cidrs-controller")),
    clusterRoleAggregationController(as("clusterrole-aggregation-controller")),
    ...(authority === undefined
      ? []
      : [rootAuthorityController(as("root-ca-cert-publisher"), authority)]),
    ...(signer === undefined ? [] : [certificatesController(as("certificate-controller"), signer)]),
    ...(accountTokens === undefined ? [] : [accountTokenController(own, accountTokens)]),
    podGarbageCollector(as("pod-garbage-collector"), terminatedPodsMax),
    nodeLifecycleController(as("node-controller"), options.nodeGraceMs ?? NODE_GRACE_MS),
  ];
}

function ofVolumes(options: ControllersOptions): readonly StartedController[] {
  return [
    persistentVolumeController(
      contextOf(options, "persistent-volume-binder", "persistentvolume-controller"),
    ),
    claimProtectionController(contextOf(options, "pvc-protection-controller")),
    volumeProtectionController(contextOf(options, "pv-protection-controller")),
  ];
}
