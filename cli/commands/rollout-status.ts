import type { DaemonSet, Deployment, StatefulSet } from "#proto/apps/v1";

export type Progress =
  | { readonly done: false; readonly message: string }
  | { readonly done: true; readonly failed: boolean; readonly message: string };

/** How far a Deployment's rollout is, in kubectl's words. */
export function deploymentProgress(deployment: Deployment): Progress {
  const { metadata, spec, status } = deployment;
  const { name } = metadata;
  if ((metadata.generation ?? 0) > (status.observedGeneration ?? 0)) {
    return { done: false, message: "Waiting for deployment spec update to be observed..." };
  }
  const progressing = (status.conditions ?? []).find((each) => each.type === "Progressing");
  if (progressing?.reason === "ProgressDeadlineExceeded") {
    const message = `deployment "${name}" exceeded its progress deadline`;
    return { done: true, failed: true, message };
  }
  const wanted = spec.replicas ?? 1;
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
  const waiting = `Waiting for deployment "${name}" rollout to finish:`;
  if (updatedReplicas < wanted) {
    const message = `${waiting} ${updatedReplicas} out of ${wanted} new replicas have been updated...`;
    return { done: false, message };
  }
  if (replicas > updatedReplicas) {
    const message = `${waiting} ${replicas - updatedReplicas} old replicas are pending termination...`;
    return { done: false, message };
  }
  if (availableReplicas < updatedReplicas) {
    const message = `${waiting} ${availableReplicas} of ${updatedReplicas} updated replicas are available...`;
    return { done: false, message };
  }
  return { done: true, failed: false, message: `deployment "${name}" successfully rolled out` };
}

/** The same for a DaemonSet. */
export function daemonSetProgress(set: DaemonSet): Progress {
  const { metadata, spec, status } = set;
  const { name } = metadata;
  if (spec.updateStrategy.type !== undefined && spec.updateStrategy.type !== "RollingUpdate") {
    return {
      done: true,
      failed: true,
      message: `rollout status needs update strategy RollingUpdate; daemon set "${name}" has ${spec.updateStrategy.type}`,
    };
  }
  if ((metadata.generation ?? 0) > (status.observedGeneration ?? 0)) {
    return { done: false, message: "Waiting for daemon set spec update to be observed..." };
  }
  const { desiredNumberScheduled: wanted, updatedNumberScheduled: updated = 0 } = status;
  const available = status.numberAvailable ?? 0;
  const waiting = `Waiting for daemon set "${name}" rollout to finish:`;
  if (updated < wanted) {
    return {
      done: false,
      message: `${waiting} ${updated} out of ${wanted} new pods have been updated...`,
    };
  }
  if (available < wanted) {
    return {
      done: false,
      message: `${waiting} ${available} of ${wanted} updated pods are available...`,
    };
  }
  return { done: true, failed: false, message: `daemon set "${name}" successfully rolled out` };
}

/** The same for a StatefulSet. */
export function statefulSetProgress({ metadata, spec, status }: StatefulSet): Progress {
  const { rollingUpdate, type } = spec.updateStrategy;
  if (type === "OnDelete") {
    const message = `rollout status needs update strategy RollingUpdate; stateful set "${metadata.name}" has ${type}`;
    return { done: true, failed: true, message };
  }
  if ((metadata.generation ?? 0) > (status.observedGeneration ?? 0))
    return { done: false, message: "Waiting for statefulset spec update to be observed..." };
  const wanted = spec.replicas ?? 1;
  const ready = status.readyReplicas ?? 0;
  if (ready < wanted)
    return { done: false, message: `Waiting for ${wanted - ready} pods to be ready...` };
  const updated = status.updatedReplicas ?? 0;
  const partition = rollingUpdate?.partition ?? 0;
  if (partition > 0) {
    const due = Math.max(0, wanted - partition);
    return updated < due
      ? {
          done: false,
          message: `Waiting for partitioned roll out to finish: ${updated} out of ${due} new pods have been updated...`,
        }
      : {
          done: true,
          failed: false,
          message: `partitioned roll out complete: ${updated} new pods have been updated...`,
        };
  }
  const { currentRevision, updateRevision } = status;
  if (updateRevision !== currentRevision) {
    const message = `waiting for statefulset rolling update to complete ${updated} pods at revision ${updateRevision}...`;
    return { done: false, message };
  }
  const message = `statefulset rolling update complete ${status.currentReplicas ?? 0} pods at revision ${currentRevision}...`;
  return { done: true, failed: false, message };
}
