import assert from "node:assert/strict";
import { test } from "node:test";
import { completePodTemplate } from "./pod-template.ts";

test("a template leaves to its pods what is theirs to have", () => {
  const spec = {
    hostNetwork: true,
    containers: [
      { name: "c", ports: [{ containerPort: 80 }], resources: { limits: { cpu: "1" } } },
    ],
  };
  assert.deepEqual(completePodTemplate({ spec }), { spec });
});

test("a template's account has both of its names, and its volumes are something", () => {
  assert.deepEqual(
    completePodTemplate({ spec: { serviceAccount: "a", volumes: [{ name: "v" }] } }),
    {
      spec: {
        serviceAccount: "a",
        serviceAccountName: "a",
        volumes: [{ name: "v", emptyDir: {} }],
      },
    },
  );
});
