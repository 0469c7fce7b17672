import assert from "node:assert/strict";
import { test } from "node:test";
import { issueAuthority } from "../../../naru/pki/issue.ts";
import { USUAL_HEADERS } from "../../authn/request-header.ts";
import { TokenAuthenticators } from "../../authn/token-authenticator.ts";
import { Requesters } from "./requester.ts";

test("one authority cannot sign for users and for proxies", async () => {
  const { certificate: clientAuthority } = await issueAuthority("a", {
    nowMs: Date.now(),
    days: 1,
  });
  const make = () =>
    new Requesters({
      tokens: new TokenAuthenticators([], []),
      authorizer: { authorize: () => ({ allowed: true }) },
      clientAuthority,
      requestHeader: { authority: clientAuthority, allowedNames: [], ...USUAL_HEADERS },
    });
  assert.throws(make, /requestHeader\.authority: it also signs users' certificates/);
});
