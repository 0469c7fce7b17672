import assert from "node:assert/strict";
import { test } from "node:test";
import { reportOf } from "./report.ts";

const NAMES = ["ping", "etcd", "shutdown"];

const CASES: readonly {
  readonly name: string;
  readonly failing?: string;
  readonly excluded?: readonly string[];
  readonly verbose?: boolean;
  readonly code: number;
  readonly text: string;
}[] = [
  { name: "all is well", code: 200, text: "ok" },
  {
    name: "all is well, in many words",
    verbose: true,
    code: 200,
    text: "[+]ping ok\n[+]etcd ok\n[+]shutdown ok\nreadyz check passed\n",
  },
  {
    name: "a failure is always told, and never its reason",
    failing: "etcd",
    code: 500,
    text: "[+]ping ok\n[-]etcd failed: reason withheld\n[+]shutdown ok\nreadyz check failed\n",
  },
  {
    name: "what is excluded is not asked",
    failing: "shutdown",
    excluded: ["etcd"],
    code: 500,
    text: "[+]ping ok\n[+]etcd excluded: ok\n[-]shutdown failed: reason withheld\nreadyz check failed\n",
  },
  {
    name: "an exclusion of nothing is told",
    excluded: ["moon", 'a"b'],
    verbose: true,
    code: 200,
    text: '[+]ping ok\n[+]etcd ok\n[+]shutdown ok\nwarn: some health checks cannot be excluded: no matches for "moon", "a\\"b"\nreadyz check passed\n',
  },
];

for (const { code, excluded = [], failing, name, text, verbose = false } of CASES) {
  test(`reportOf: ${name}`, () => {
    const asked = NAMES.filter((each) => !excluded.includes(each));
    const results = new Map(
      asked.map((each) => [each, { name: each, failure: each === failing ? "secret" : undefined }]),
    );
    const report = reportOf(NAMES, results, { endpoint: "readyz", excluded, verbose });
    assert.deepEqual(report, { code, text });
  });
}
