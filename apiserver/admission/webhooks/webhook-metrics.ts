import type { Counter, Histogram, Registry, Series } from "#lib/metrics";

/** Kubernetes' buckets for admission. */
const SECONDS = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25];

export interface AskedWebhook {
  readonly name: string;
  readonly operation: string;
  readonly type: "admit" | "validating";
}

/** How long webhooks take, how often they refuse, and how often a request went on without them. */
export class WebhookMetrics {
  readonly #durations: Series<Histogram>;
  readonly #failedOpen: Series<Counter>;

  constructor(registry: Registry) {
    this.#durations = registry.histograms(
      "apiserver_admission_webhook_admission_duration_seconds",
      "Seconds that asking an admission webhook took.",
      SECONDS,
    );
    this.#failedOpen = registry.counters(
      "apiserver_admission_webhook_fail_open_count",
      "Requests that went on though a webhook could not be asked.",
    );
  }

  asked({ name, operation, type }: AskedWebhook, seconds: number, isRejected: boolean): void {
    this.#durations.of({ name, operation, rejected: String(isRejected), type }).observe(seconds);
  }

  failedOpen({ name, type }: AskedWebhook): void {
    this.#failedOpen.of({ name, type }).add();
  }
}
