import assert from "node:assert/strict";
import { test } from "node:test";
import { type ContainerEvent, type ContainerPhase, step } from "./state.ts";
import { end } from "./testing/pods.ts";

const attempt = { id: "a-0", attempt: 0, startedAtMs: 1 };
const PHASES: readonly ContainerPhase[] = [
  { at: "waiting" },
  { at: "pulling" },
  { at: "creating" },
  { at: "held", reason: "ErrImagePull", message: "", untilMs: 0, failures: 1 },
  { at: "running", ...attempt },
  { at: "stopping", ...attempt },
  { at: "exited", attempt: 0, end: end(1) },
];
const EVENTS: readonly ContainerEvent[] = [
  { type: "begin" },
  { type: "imageReady" },
  { type: "refused", reason: "ErrImagePull", message: "", failures: 1, retryAtMs: 9 },
  { type: "started", ...attempt },
  { type: "stop" },
  { type: "exited", attempt: 0, end: end(0) },
  { type: "found", ...attempt },
  { type: "dropped" },
];

/** Every pair that changes something; all others must leave the phase as it is, without effects. */
const CHANGES: Readonly<Record<string, readonly [ContainerPhase["at"], ...string[]]>> = {
  "waiting begin": ["pulling", "pull"],
  "held begin": ["pulling", "pull"],
  "exited begin": ["pulling", "pull"],
  "pulling imageReady": ["creating", "create"],
  "pulling refused": ["held"],
  "creating refused": ["held"],
  "creating started": ["running", "watch"],
  "waiting found": ["running", "watch"],
  "exited found": ["running", "watch"],
  "running stop": ["stopping", "end"],
  "waiting exited": ["exited", "settle"],
  "creating exited": ["exited", "settle"],
  "running exited": ["exited", "settle"],
  "stopping exited": ["exited", "settle"],
  "pulling dropped": ["waiting"],
  "creating dropped": ["waiting"],
  "held dropped": ["waiting"],
};

test("step walks every pair of phase and event as drawn", () => {
  for (const phase of PHASES) {
    for (const event of EVENTS) {
      const pair = `${phase.at} ${event.type}`;
      const next = step(phase, event);
      const expected = CHANGES[pair];
      if (expected === undefined) {
        assert.deepEqual(next, { phase, effects: [] }, pair);
        continue;
      }
      const [at, ...effects] = expected;
      assert.equal(next.phase.at, at, pair);
      assert.deepEqual(
        next.effects.map((each) => each.do),
        effects,
        pair,
      );
    }
  }
});

test("step ignores the end of another attempt", () => {
  const phase: ContainerPhase = { at: "running", id: "a-1", attempt: 1, startedAtMs: 1 };
  assert.deepEqual(step(phase, { type: "exited", attempt: 0, end: end(1) }).phase, phase);
});
