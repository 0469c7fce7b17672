/** Counts requests under Kubernetes' names: https://kubernetes.io/docs/reference/instrumentation/metrics/ */
import type { Counter, Gauge, Histogram, Registry, Series } from "#lib/metrics";
import type { Resource } from "#resources";

/** What a request is about, as far as its metrics tell it apart. */
export interface Measured {
  /** Kubernetes' verb, in small letters, as access rules have it; of a closed set, for each has its own series. */
  readonly verb: string;
  readonly resource: Resource | undefined;
  readonly subresource: string | undefined;
  readonly scope: "" | "cluster" | "namespace" | "resource";
  readonly dryRun: boolean;
  readonly isLongRunning: boolean;
}

/** One request that is under way. */
export interface Running {
  /** `bytes`: of the answer's body, where it is one. */
  ended(code: number, bytes: number): void;
}

interface RequestSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly duration: Histogram;
  readonly sizes: Histogram | undefined;
  readonly running: Gauge;
  /** By status. */
  readonly codes: Map<number, Counter>;
}

const SECONDS = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45,
  60,
];
const BYTES = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
const READS = new Set(["get", "list"]);
/** The words of the metrics, where they are not the verb in capitals. */
const VERBS: Readonly<Record<string, string>> = { create: "POST", update: "PUT" };

export class RequestMetrics {
  readonly #monotonicMs: () => number;
  readonly #totals: Series<Counter>;
  readonly #durations: Series<Histogram>;
  readonly #sizes: Series<Histogram>;
  readonly #longRunning: Series<Gauge>;
  readonly #watchEvents: Series<Counter>;
  readonly #mutating: Gauge;
  readonly #readOnly: Gauge;
  /** By resource, and within it by the rest of what tells requests apart; so custom kinds go with their definitions. */
  readonly #known = new WeakMap<object, Map<string, RequestSeries>>();

  constructor(registry: Registry, monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
    this.#totals = registry.counters(
      "apiserver_request_total",
      "Requests by verb, resource, scope and status.",
    );
    this.#durations = registry.histograms(
      "apiserver_request_duration_seconds",
      "Seconds from a request's arrival to the end of its answer.",
      SECONDS,
    );
    this.#sizes = registry.histograms(
      "apiserver_response_sizes",
      "Bytes of the answers to GET and LIST.",
      BYTES,
    );
    this.#longRunning = registry.gauges(
      "apiserver_longrunning_requests",
      "Watches, and streams to and from pods, that go on now.",
    );
    this.#watchEvents = registry.counters(
      "apiserver_watch_events_total",
      "Events that watches were sent.",
    );
    const inflight = registry.gauges(
      "apiserver_current_inflight_requests",
      "Requests that are being answered now, without those that go on for long.",
    );
    this.#mutating = inflight.of({ request_kind: "mutating" });
    this.#readOnly = inflight.of({ request_kind: "readOnly" });
  }

  /** Of the events that watches of a resource were sent. */
  watchEvents({ group, plural, version }: Resource): Counter {
    return this.#watchEvents.of({ group, version, resource: plural });
  }

  begin(measured: Measured): Running {
    const startMs = this.#monotonicMs();
    const series = this.#seriesOf(measured);
    series.running.add(1);
    return {
      ended: (code, bytes) => {
        series.running.add(-1);
        series.duration.observe((this.#monotonicMs() - startMs) / 1000);
        series.sizes?.observe(bytes);
        this.#count(series, code);
      },
    };
  }

  #seriesOf(measured: Measured): RequestSeries {
    const { dryRun, resource = NO_RESOURCE, scope, subresource = "", verb } = measured;
    let ofResource = this.#known.get(resource);
    if (ofResource === undefined) {
      ofResource = new Map();
      this.#known.set(resource, ofResource);
    }
    const key = `${verb} ${scope} ${subresource}${dryRun ? " dry" : ""}`;
    let series = ofResource.get(key);
    if (series === undefined) {
      series = this.#newSeries(measured);
      ofResource.set(key, series);
    }
    return series;
  }

  #newSeries(measured: Measured): RequestSeries {
    const { dryRun, isLongRunning, resource, scope, subresource = "", verb } = measured;
    const about = {
      component: "apiserver",
      group: resource?.group ?? "",
      resource: resource?.plural ?? "",
      scope,
      subresource,
      verb: VERBS[verb] ?? verb.toUpperCase(),
      version: resource?.version ?? "",
    };
    const labels = { ...about, dry_run: dryRun ? "All" : "" };
    return {
      labels,
      duration: this.#durations.of(labels),
      sizes: READS.has(verb) ? this.#sizes.of(about) : undefined,
      running: isLongRunning ? this.#longRunning.of(about) : this.#inflight(verb),
      codes: new Map(),
    };
  }

  #inflight(verb: string): Gauge {
    return READS.has(verb) ? this.#readOnly : this.#mutating;
  }

  #count({ codes, labels }: RequestSeries, code: number): void {
    let counter = codes.get(code);
    if (counter === undefined) {
      counter = this.#totals.of({ code: String(code), ...labels });
      codes.set(code, counter);
    }
    counter.add();
  }
}

/** Stands for all paths that are not about objects. */
const NO_RESOURCE = {};
