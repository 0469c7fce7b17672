/**
 * Counters, gauges and histograms in Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/).
 * Who counts keeps the series that it counts in: finding one costs more than counting.
 */

export type Labels = Readonly<Record<string, string>>;

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly lines: () => Iterable<string>;
}

/** One number as it is now. */
export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

export class Registry {
  readonly #families = new Map<string, Family>();

  /** Each name once: asking for it again is a bug. */
  counters(name: string, help: string): Series<Counter> {
    return this.#series({ name, help, type: "counter" }, () => new Counter());
  }

  gauges(name: string, help: string): Series<Gauge> {
    return this.#series({ name, help, type: "gauge" }, () => new Gauge());
  }

  /** `buckets`: upper bounds, rising. */
  histograms(name: string, help: string, buckets: readonly number[]): Series<Histogram> {
    return this.#series({ name, help, type: "histogram" }, () => new Histogram(buckets));
  }

  /** What is known only when somebody asks. */
  collected(
    name: string,
    { help, type }: { readonly help: string; readonly type: "counter" | "gauge" },
    collect: () => Iterable<Sample>,
  ): void {
    const lines = function* (): Generator<string> {
      for (const { labels = {}, value } of collect()) yield line(name, labels, value);
    };
    this.#add({ name, help, type, lines });
  }

  text(): string {
    const lines: string[] = [];
    for (const family of this.#families.values()) {
      const { help, name, type } = family;
      lines.push(`# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}`);
      lines.push(`# TYPE ${name} ${type}`, ...family.lines());
    }
    return `${lines.join("\n")}\n`;
  }

  #series<T extends Metric>(family: Omit<Family, "lines">, make: () => T): Series<T> {
    const series = new Series<T>(family.name, make);
    this.#add({ ...family, lines: () => series.lines() });
    return series;
  }

  #add(family: Family): void {
    if (this.#families.has(family.name)) throw new Error(`metric ${family.name} is there already`);
    this.#families.set(family.name, family);
  }
}

interface Metric {
  lines(name: string, labels: Labels): Iterable<string>;
}

/** The metrics of one name, by their labels. Labels come from closed sets, or there is no end of them. */
export class Series<T extends Metric> {
  readonly #name: string;
  readonly #make: () => T;
  readonly #all = new Map<string, { readonly labels: Labels; readonly metric: T }>();

  constructor(name: string, make: () => T) {
    this.#name = name;
    this.#make = make;
  }

  /** Always the same for the same labels in the same order. */
  of(labels: Labels = {}): T {
    const key = JSON.stringify(labels);
    const known = this.#all.get(key);
    if (known !== undefined) return known.metric;
    const metric = this.#make();
    this.#all.set(key, { labels, metric });
    return metric;
  }

  *lines(): Generator<string> {
    for (const { labels, metric } of this.#all.values()) yield* metric.lines(this.#name, labels);
  }
}

export class Counter implements Metric {
  #value = 0;

  add(amount = 1): void {
    this.#value += amount;
  }

  *lines(name: string, labels: Labels): Generator<string> {
    yield line(name, labels, this.#value);
  }
}

export class Gauge implements Metric {
  #value = 0;

  add(amount: number): void {
    this.#value += amount;
  }

  *lines(name: string, labels: Labels): Generator<string> {
    yield line(name, labels, this.#value);
  }
}

export class Histogram implements Metric {
  readonly #buckets: readonly number[];
  /** Of each bucket alone; what is above all of them comes last. */
  readonly #counts: number[];
  #sum = 0;

  constructor(buckets: readonly number[]) {
    this.#buckets = buckets;
    this.#counts = new Array<number>(buckets.length + 1).fill(0);
  }

  observe(value: number): void {
    const buckets = this.#buckets;
    let at = 0;
    // Most values are small.
    while (at < buckets.length && value > (buckets[at] as number)) at++;
    this.#counts[at] = (this.#counts[at] as number) + 1;
    this.#sum += value;
  }

  *lines(name: string, labels: Labels): Generator<string> {
    let count = 0;
    for (const [at, each] of this.#counts.entries()) {
      count += each;
      const le = at < this.#buckets.length ? String(this.#buckets[at]) : "+Inf";
      yield line(`${name}_bucket`, { ...labels, le }, count);
    }
    yield line(`${name}_sum`, labels, this.#sum);
    yield line(`${name}_count`, labels, count);
  }
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
