import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusError } from "#lib/status-error";
import { fieldManager, selectionFrom, sendInitialEvents } from "./query.ts";

function selection(text: string) {
  return selectionFrom(new URLSearchParams(text));
}

describe("resourceVersionMatch", () => {
  test("is read with the version that it is about", () => {
    assert.deepEqual(selection("resourceVersion=5&resourceVersionMatch=Exact&limit=2"), {
      limit: 2,
      resourceVersion: "5",
      resourceVersionMatch: "Exact",
    });
    const oldest = selection("resourceVersion=0&resourceVersionMatch=NotOlderThan");
    assert.equal(oldest.resourceVersionMatch, "NotOlderThan");
    assert.deepEqual(selection("resourceVersionMatch="), {});
  });

  const refused: [string, RegExp][] = [
    ["resourceVersionMatch=Exact", /forbidden unless resourceVersion is provided/],
    ["resourceVersion=0&resourceVersionMatch=Exact", /forbidden for resourceVersion "0"/],
    ["continue=x&resourceVersion=5&resourceVersionMatch=Exact", /when continue is provided/],
    ["resourceVersion=5&resourceVersionMatch=Newest", /Unsupported value: "Newest"/],
    ["sendInitialEvents=true", /sendInitialEvents is forbidden for list/],
  ];
  for (const [query, why] of refused) {
    test(`is refused in ${query}`, () => {
      assert.throws(
        () => selection(query),
        (error) => StatusError.is(error, "Invalid") && why.test(error.message),
      );
    });
  }
});

describe("sendInitialEvents", () => {
  const asked = (query: string) => sendInitialEvents(new URLSearchParams(query));

  test("is read with the match that it needs", () => {
    assert.equal(asked("resourceVersionMatch=NotOlderThan&sendInitialEvents=true"), true);
    assert.equal(asked("resourceVersionMatch=NotOlderThan&sendInitialEvents=false"), false);
    assert.equal(asked(""), false);
  });

  const refused: [string, RegExp][] = [
    ["sendInitialEvents=true", /requires setting resourceVersionMatch to NotOlderThan/],
    ["sendInitialEvents=false", /requires setting resourceVersionMatch to NotOlderThan/],
    ["resourceVersionMatch=NotOlderThan", /forbidden for watch unless sendInitialEvents/],
    ["sendInitialEvents=1&resourceVersionMatch=Exact", /Unsupported value: "Exact"/],
    ["sendInitialEvents=1&resourceVersionMatch=NotOlderThan&continue=x", /when continue is/],
  ];
  for (const [query, why] of refused) {
    test(`is refused in ${query}`, () => {
      assert.throws(
        () => asked(query),
        (error) => StatusError.is(error, "Invalid") && why.test(error.message),
      );
    });
  }
});

describe("the field manager", () => {
  test("is the one that is given, or the program's name", () => {
    const named = (query: string, agent?: string) =>
      fieldManager(new URLSearchParams(query), agent);
    assert.equal(named("fieldManager=me", "kubectl/v1.35.2"), "me");
    assert.equal(named("", "kubectl/v1.35.2 (linux/amd64)"), "kubectl");
    assert.equal(named("fieldManager=", undefined), "unknown");
    assert.equal(named("", "a\u0007b/1"), "ab");
    assert.equal(named("", "x".repeat(300)).length, 128);
  });

  test("is refused when it is too long or not printable", () => {
    for (const name of ["x".repeat(129), "a%0Ab"]) {
      const query = new URLSearchParams(`fieldManager=${name}`);
      assert.throws(() => fieldManager(query, undefined), { reason: "Invalid" });
    }
  });
});
