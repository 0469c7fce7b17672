import assert from "node:assert/strict";
import { test } from "node:test";
import { Reinvocation } from "./reinvocation.ts";

const BEFORE = { data: "before" };
const AFTER = { data: "after" };

test("in the first round everybody is due", () => {
  assert.equal(new Reinvocation().isDue("a"), true);
});

test("whoever was heard before a change is due again, and nobody else", () => {
  const rounds = new Reinvocation();
  rounds.heard("a");
  rounds.changed();
  rounds.heard("b");
  rounds.ended(AFTER);
  assert.equal(rounds.isChanged, true);
  rounds.startAgain(AFTER);
  assert.deepEqual(
    ["a", "b", "c"].map((id) => rounds.isDue(id)),
    [true, false, false],
  );
});

test("what others change between the rounds makes all due that were heard", () => {
  const rounds = new Reinvocation();
  rounds.heard("a");
  rounds.ended(BEFORE);
  assert.equal(rounds.isChanged, false);
  rounds.startAgain(AFTER);
  assert.deepEqual(
    ["a", "b"].map((id) => rounds.isDue(id)),
    [true, false],
  );
});
