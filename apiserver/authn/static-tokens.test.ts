import assert from "node:assert/strict";
import { test } from "node:test";
import { StaticTokens } from "./static-tokens.ts";

test("StaticTokens reads Kubernetes' file", () => {
  const tokens = new StaticTokens(
    'abc,ann,7\r\n\n def , "bob, ""the"" second" ,8,"devs, ops"\nghi,eve,9,devs\n',
  );
  const all = "system:authenticated";
  assert.deepEqual(tokens.user("abc"), { name: "ann", uid: "7", groups: [all] });
  assert.deepEqual(tokens.user("def"), {
    name: 'bob, "the" second',
    uid: "8",
    groups: ["devs", "ops", all],
  });
  assert.deepEqual(tokens.user("ghi")?.groups, ["devs", all]);
  assert.equal(tokens.user(""), undefined);
  assert.equal(tokens.user("ab"), undefined);
});

test("StaticTokens names the line that is wrong", () => {
  for (const line of ["abc,ann", ",ann,7", "abc,,7"])
    assert.throws(
      () => new StaticTokens(`x,y,z\n${line}`),
      /line 2: a token, a user's name and a uid/,
    );
});
