import assert from "node:assert/strict";
import { test } from "node:test";
import { cronJobs, jobs } from "#resources";
import { rules } from "../index.ts";
import { made, problems, updated } from "../testing.ts";

const POD = { restartPolicy: "Never", containers: [{ name: "c", image: "i" }] };
const TEMPLATE = { spec: POD };
const INDEXED = { completionMode: "Indexed", completions: 3, template: TEMPLATE };
const exit = (rule: object) => ({
  template: TEMPLATE,
  podFailurePolicy: { rules: [{ action: "FailJob", onExitCodes: rule }] },
});

test("a Job gets defaults, a selector and labels that no other Job has", () => {
  const job = made(jobs, { metadata: { uid: "u-1" }, spec: { template: TEMPLATE } }) as never as {
    readonly spec: Record<string, unknown> & { template: { metadata: { labels: object } } };
  };
  const { completions, parallelism, backoffLimit, completionMode, podReplacementPolicy, suspend } =
    job.spec;
  assert.deepEqual(
    [completions, parallelism, backoffLimit, completionMode, podReplacementPolicy, suspend],
    [1, 1, 6, "NonIndexed", "TerminatingOrFailed", false],
  );
  assert.deepEqual(job.spec["selector"], {
    matchLabels: { "batch.kubernetes.io/controller-uid": "u-1" },
  });
  assert.deepEqual(job.spec.template.metadata.labels, {
    "controller-uid": "u-1",
    "job-name": "a",
    "batch.kubernetes.io/controller-uid": "u-1",
    "batch.kubernetes.io/job-name": "a",
  });
  assert.deepEqual(rules.validateCreate(jobs, job as never), []);
});

const DEFAULTS = [
  [{ parallelism: 3 }, { completions: undefined, parallelism: 3 }],
  [{ completions: 3 }, { completions: 3, parallelism: 1 }],
  [
    { completionMode: "Indexed", completions: 2, backoffLimitPerIndex: 1 },
    { backoffLimit: 2_147_483_647 },
  ],
  [
    {
      podFailurePolicy: {
        rules: [{ action: "Count", onExitCodes: { operator: "In", values: [1] } }],
      },
    },
    { podReplacementPolicy: "Failed" },
  ],
] as const;

for (const [given, expected] of DEFAULTS) {
  test(`a Job with ${JSON.stringify(given)} gets ${JSON.stringify(expected)}`, () => {
    const { spec } = made(jobs, { spec: { template: TEMPLATE, ...given } } as never) as never as {
      readonly spec: Record<string, unknown>;
    };
    for (const [field, value] of Object.entries(expected)) assert.equal(spec[field], value, field);
  });
}

const WELL: readonly object[] = [
  { template: TEMPLATE },
  { template: { spec: { ...POD, restartPolicy: "OnFailure" } }, completions: 0 },
  { ...INDEXED, backoffLimitPerIndex: 1, maxFailedIndexes: 2 },
  { ...INDEXED, successPolicy: { rules: [{ succeededIndexes: "0,2", succeededCount: 1 }] } },
  exit({ operator: "NotIn", values: [0, 1, 42] }),
  { template: TEMPLATE, managedBy: "example.com/queue" },
];

for (const spec of WELL) {
  test(`a Job is well with ${JSON.stringify(spec)}`, () => {
    assert.deepEqual(problems(jobs, { spec } as never), []);
  });
}

const WRONG: readonly (readonly [object, RegExp])[] = [
  [
    { template: { spec: { containers: POD.containers } } },
    /^spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"$/,
  ],
  [{ template: TEMPLATE, parallelism: -1 }, /^spec.parallelism: .*greater than or equal to 0/],
  [
    { template: TEMPLATE, completionMode: "Some" },
    /^spec.completionMode: Unsupported value: "Some"/,
  ],
  [
    { ...INDEXED, completions: undefined, parallelism: 1 },
    /^spec.completions: Required value: when completion/,
  ],
  [{ ...INDEXED, parallelism: 100_001 }, /^spec.parallelism: .*less than or equal to 100000/],
  [
    { template: TEMPLATE, backoffLimitPerIndex: 1 },
    /^spec.backoffLimitPerIndex: .*requires indexed/,
  ],
  [
    { ...INDEXED, maxFailedIndexes: 1 },
    /^spec.backoffLimitPerIndex: Required value: when maxFailed/,
  ],
  [
    { ...INDEXED, backoffLimitPerIndex: 1, maxFailedIndexes: 4 },
    /^spec.maxFailedIndexes: .*less than or equal to 3/,
  ],
  [
    { template: { metadata: { labels: { "job-name": "other" } }, spec: POD } },
    /^spec.template.metadata.labels: .*must be 'a' for label job-name/,
  ],
  [
    { template: TEMPLATE, selector: { matchLabels: { a: "b" } } },
    /^spec.selector: .*`selector` not auto-generated/,
  ],
  [
    { template: TEMPLATE, manualSelector: true, selector: { matchLabels: { a: "b" } } },
    /^spec.template.metadata.labels: .*`selector` does not match/,
  ],
  [{ template: TEMPLATE, manualSelector: true }, /^spec.selector: Required value$/],
  [exit({ operator: "In", values: [0] }), /values\[0\]: .*must not be 0 for the In operator/],
  [exit({ operator: "In", values: [2, 1] }), /values: .*must be ordered/],
  [exit({ operator: "In", values: [1, 1] }), /values\[1\]: Duplicate value: 1/],
  [
    exit({ operator: "In", values: [1], containerName: "x" }),
    /containerName: .*must be one of the container/,
  ],
  [
    { template: TEMPLATE, podFailurePolicy: { rules: [{ action: "Count" }] } },
    /rules\[0\]: .*specifying one of OnExitCodes and OnPodConditions is required/,
  ],
  [
    {
      ...exit({ operator: "In", values: [1] }),
      template: { spec: { ...POD, restartPolicy: "OnFailure" } },
    },
    /restartPolicy: .*only "Never" is supported when podFailurePolicy/,
  ],
  [
    { template: TEMPLATE, successPolicy: { rules: [{ succeededCount: 1 }] } },
    /successPolicy: .*requires indexed/,
  ],
  [
    { ...INDEXED, successPolicy: { rules: [{ succeededIndexes: "2-1" }] } },
    /succeededIndexes: .*not in ascending/,
  ],
  [
    { ...INDEXED, successPolicy: { rules: [{ succeededIndexes: "3" }] } },
    /succeededIndexes: .*less than completions, 3/,
  ],
  [
    { ...INDEXED, successPolicy: { rules: [{ succeededCount: 4 }] } },
    /succeededCount: .*less than or equal to 3/,
  ],
  [{ template: TEMPLATE, managedBy: "me" }, /managedBy: .*domain-prefixed path/],
];

for (const [spec, expected] of WRONG) {
  test(`a Job is refused for ${expected.source}`, () => {
    const found = problems(jobs, { spec } as never);
    assert.ok(
      found.some((each) => expected.test(each)),
      `found: ${found.join("; ")}`,
    );
  });
}

test("an Indexed Job whose pods could not be named is refused", () => {
  const metadata = { name: "a".repeat(62) };
  assert.match(
    problems(jobs, { metadata, spec: INDEXED } as never).join(),
    /metadata.name: .*will not able to create pod with invalid DNS label/,
  );
});

const CHANGES: readonly (readonly [string, object, object, RegExp | undefined])[] = [
  ["parallelism may change", { template: TEMPLATE, completions: 9 }, { parallelism: 5 }, undefined],
  ["suspend may change", { template: TEMPLATE }, { suspend: true }, undefined],
  [
    "completions may not",
    { template: TEMPLATE },
    { completions: 5, parallelism: 1 },
    /^spec.completions: .*immutable/,
  ],
  [
    "of an elastic Indexed Job they may",
    { ...INDEXED, parallelism: 3 },
    { completions: 2, parallelism: 2 },
    undefined,
  ],
  ["but only with parallelism", INDEXED, { completions: 2 }, /^spec.completions: .*in tandem/],
  [
    "the template may not",
    { template: TEMPLATE },
    { template: { spec: { ...POD, containers: [{ name: "c", image: "j" }] } } },
    /^spec.template: .*immutable/,
  ],
  [
    "of a suspended Job its placement may",
    { template: TEMPLATE, suspend: true },
    { template: { spec: { ...POD, nodeSelector: { a: "b" } } } },
    undefined,
  ],
  [
    "of one that runs it may not",
    { template: TEMPLATE },
    { template: { spec: { ...POD, nodeSelector: { a: "b" } } } },
    /^spec.template: .*immutable/,
  ],
  [
    "the mode may not",
    INDEXED,
    { completionMode: "NonIndexed" },
    /^spec.completionMode: .*immutable/,
  ],
];

for (const [name, before, change, expected] of CHANGES) {
  test(`of a Job ${name}`, () => {
    const old = { spec: before } as never;
    const found = updated(jobs, old, { spec: { ...before, ...change } } as never).join("; ");
    if (expected === undefined) assert.equal(found, "");
    else assert.match(found, expected);
  });
}

const CRON = { schedule: "@hourly", jobTemplate: { spec: { template: TEMPLATE } } };

const CRON_CASES: readonly (readonly [object, RegExp | undefined])[] = [
  [CRON, undefined],
  [{ ...CRON, schedule: "0 9 * * MON-FRI", timeZone: "Asia/Seoul" }, undefined],
  [{ ...CRON, schedule: "" }, /^spec.schedule: Required value/],
  [{ ...CRON, schedule: "TZ=UTC 0 * * * *" }, /cannot use TZ or CRON_TZ in schedule/],
  [{ ...CRON, schedule: "* * * *" }, /^spec.schedule: .*expected exactly 5 fields, found 4/],
  [{ ...CRON, timeZone: "Mars/Base" }, /^spec.timeZone: .*unknown time zone Mars\/Base/],
  [{ ...CRON, concurrencyPolicy: "Some" }, /^spec.concurrencyPolicy: Unsupported value: "Some"/],
  [{ ...CRON, startingDeadlineSeconds: -1 }, /^spec.startingDeadlineSeconds: /],
  [
    { ...CRON, jobTemplate: { spec: { template: { spec: { containers: POD.containers } } } } },
    /^spec.jobTemplate.spec.template.spec.restartPolicy: Required value/,
  ],
  [
    { ...CRON, jobTemplate: { spec: { manualSelector: true, template: TEMPLATE } } },
    /^spec.jobTemplate.spec.manualSelector: Unsupported value/,
  ],
];

for (const [spec, expected] of CRON_CASES) {
  test(`a CronJob is ${expected === undefined ? "well" : `refused for ${expected.source}`}`, () => {
    const found = problems(cronJobs, { spec } as never).join("; ");
    if (expected === undefined) assert.equal(found, "");
    else assert.match(found, expected);
  });
}

test("a CronJob's name leaves room for the time", () => {
  const metadata = { name: "a".repeat(53) };
  assert.match(
    problems(cronJobs, { metadata, spec: CRON } as never).join(),
    /metadata.name: .*no more than 52 characters/,
  );
});
