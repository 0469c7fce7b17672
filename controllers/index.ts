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
import { storageProtectionController } from "./storage-protection/watches.ts";
import { ttlAfterFinishedController } from "./ttl-after-finished/watches.ts";

export interface ControllersOptions extends ControllerContext {
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
  const all: readonly StartedController[] = [
    deploymentController(options),
    replicaSetController(options),
    replicationControllerController(options),
    daemonSetController(options),
    statefulSetController(options),
    jobController(options),
    cronJobController(options),
    horizontalPodAutoscalerController(
      options,
      kinds,
      options.autoscalerSyncMs ?? AUTOSCALER_SYNC_MS,
    ),
    ttlAfterFinishedController(options),
    endpointSliceController(options),
    endpointSliceMirroringController(options),
    disruptionController(options),
    quotaController(options, kinds),
    garbageCollector(options, kinds),
    namespaceController(options, kinds),
    serviceAccountController(options),
    serviceCidrController(options),
    clusterRoleAggregationController(options),
    ...(options.authority === undefined
      ? []
      : [rootAuthorityController(options, options.authority)]),
    ...(options.signer === undefined ? [] : [certificatesController(options, options.signer)]),
    ...(options.accountTokens === undefined
      ? []
      : [accountTokenController(options, options.accountTokens)]),
    persistentVolumeController(options),
    storageProtectionController(options),
    podGarbageCollector(options, options.terminatedPodsMax ?? TERMINATED_PODS_MAX),
    nodeLifecycleController(options, options.nodeGraceMs ?? NODE_GRACE_MS),
  ];
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
