/** Pods and what they use, for tests. */
import { formatTime } from "#lib/api/time";
import type { Pod } from "#proto/core/v1";
import type { PodMetrics } from "#proto/metrics/v1beta1";

export const NOW_MS = Date.parse("2026-01-01T01:00:00Z");

/** In one word: how the pod is. `used` in milli-cores; absent: no metrics. */
export interface PodCase {
  readonly used?: number;
  readonly is?: "deleted" | "failed" | "lapsed" | "never ready" | "pending" | "starting";
  readonly request?: string | null;
}

export function podOf({ is, request = "100m" }: PodCase, at: number): Pod {
  const longAgo = formatTime(NOW_MS - 3_600_000);
  const startTime = is === "starting" ? formatTime(NOW_MS - 60_000) : longAgo;
  const isReady = is !== "starting" && is !== "never ready" && is !== "lapsed";
  const lastTransitionTime = is === "lapsed" ? formatTime(NOW_MS - 60_000) : startTime;
  const phases = { failed: "Failed", pending: "Pending" } as const;
  return {
    metadata: {
      name: `p${at}`,
      namespace: "default",
      uid: `u${at}`,
      labels: { app: "web" },
      ...(is === "deleted" ? { deletionTimestamp: longAgo } : {}),
    },
    spec: {
      containers: [
        { name: "main", resources: request === null ? {} : { requests: { cpu: request } } },
      ],
    },
    status: {
      phase: phases[is as keyof typeof phases] ?? "Running",
      startTime,
      conditions: [{ type: "Ready", status: isReady ? "True" : "False", lastTransitionTime }],
    },
  } as unknown as Pod;
}

export function metricsOf(pods: readonly PodCase[]): readonly PodMetrics[] {
  return pods.flatMap(({ used }, at) => {
    if (used === undefined) return [];
    const usage = { cpu: `${used}m`, memory: `${used}Mi` };
    return [
      {
        metadata: { name: `p${at}`, namespace: "default" },
        timestamp: formatTime(NOW_MS - 5000),
        window: "15s",
        containers: [{ name: "main", usage }],
      } as unknown as PodMetrics,
    ];
  });
}
