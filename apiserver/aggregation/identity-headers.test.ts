import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { proxiedUser, USUAL_HEADERS } from "../authn/request-header.ts";
import { forwardedHeaders, identityHeaders } from "./identity-headers.ts";

test("forwardedHeaders() keeps back what speaks of the connection, and of who asks", () => {
  const kept = { accept: "application/json", "content-type": "x", "x-forwarded-for": "1.2.3.4" };
  const dropped = {
    ":path": "/",
    authorization: "Bearer x",
    connection: "close, X-Secret",
    "impersonate-user": "root",
    "proxy-authorization": "x",
    "transfer-encoding": "chunked",
    upgrade: "h2c",
    "x-remote-user": "root",
    "x-remote-extra-scopes": "all",
    x_remote_group: "system:masters",
    "x-secret": "named by connection",
  };
  assert.deepEqual(forwardedHeaders({ ...kept, ...dropped, absent: undefined }), kept);
});

test("identityHeaders() says nothing of what is not there", () => {
  assert.deepEqual(identityHeaders({ name: "jane", groups: [] }), { "X-Remote-User": "jane" });
});

test("identityHeaders() sends UTF-8, byte by byte", () => {
  const { "X-Remote-User": name } = identityHeaders({ name: "Jürgen", groups: [] });
  assert.equal(Buffer.from(String(name), "latin1").toString("utf8"), "Jürgen");
});

const text = fc.string({ unit: "grapheme-ascii", minLength: 1 });
const users = fc.record({
  name: text,
  uid: text,
  groups: fc.array(text),
  extra: fc.dictionary(
    text.map((key) => key.toLowerCase()),
    fc.array(text, { minLength: 1 }),
    { noNullPrototype: true },
  ),
});

test("a proxy's user is read as it was said", () => {
  const options = { authority: "", allowedNames: ["proxy"], ...USUAL_HEADERS };
  fc.assert(
    fc.property(users, (user) => {
      const raw = Object.entries(identityHeaders(user)).flatMap(([name, values]) =>
        (typeof values === "string" ? [values] : values).flatMap((value) => [name, value]),
      );
      const { groups, ...read } = proxiedUser("proxy", raw, options) ?? { name: "", groups: [] };
      const authenticated = "system:authenticated";
      const all = user.groups.includes(authenticated)
        ? user.groups
        : [...user.groups, authenticated];
      assert.deepEqual(groups, all);
      assert.deepEqual(
        { extra: {}, ...read },
        { name: user.name, uid: user.uid, extra: user.extra },
      );
    }),
  );
});

test("proxiedUser() takes only allowed proxies at their word", () => {
  const options = { authority: "", allowedNames: ["a"], ...USUAL_HEADERS };
  const headers = ["x-remote-user", "jane", "X-Remote-Group", "g", "x-remote-group", "h"];
  assert.throws(() => proxiedUser("b", headers, options), /Unauthorized/);
  assert.equal(proxiedUser("b", [], options), undefined);
  assert.deepEqual(proxiedUser("b", headers, { ...options, allowedNames: [] }), {
    name: "jane",
    groups: ["g", "h", "system:authenticated"],
  });
});
