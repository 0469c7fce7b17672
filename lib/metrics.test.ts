import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry } from "./metrics.ts";

test("metrics are told in Prometheus' text format", () => {
  const registry = new Registry();
  const requests = registry.counters("requests_total", "Requests\nby \\ code.");
  requests.of({ code: "200", path: 'a"b\\c\nd' }).add();
  requests.of({ code: "200", path: 'a"b\\c\nd' }).add(2);
  requests.of({ code: "404", path: "" }).add();
  registry.gauges("running", "Now.").of().add(3);
  const seconds = registry.histograms("seconds", "Time.", [0.5, 1]).of({ verb: "GET" });
  for (const value of [0.25, 0.5, 0.75, 4]) seconds.observe(value);
  let asked = 0;
  registry.collected("asked", { type: "counter", help: "When asked." }, () => [{ value: ++asked }]);
  assert.equal(
    registry.text(),
    `# HELP requests_total Requests\\nby \\\\ code.
# TYPE requests_total counter
requests_total{code="200",path="a\\"b\\\\c\\nd"} 3
requests_total{code="404",path=""} 1
# HELP running Now.
# TYPE running gauge
running 3
# HELP seconds Time.
# TYPE seconds histogram
seconds_bucket{verb="GET",le="0.5"} 2
seconds_bucket{verb="GET",le="1"} 3
seconds_bucket{verb="GET",le="+Inf"} 4
seconds_sum{verb="GET"} 5.5
seconds_count{verb="GET"} 4
# HELP asked When asked.
# TYPE asked counter
asked 1
`,
  );
  assert.match(registry.text(), /^asked 2$/m);
});

test("a name that is there already is a bug", () => {
  const registry = new Registry();
  registry.counters("x", "");
  assert.throws(() => registry.gauges("x", ""), /metric x is there already/);
});
