import assert from "node:assert/strict";
import { test } from "node:test";
import { issueAuthority } from "../../naru/pki/issue.ts";
import { USUAL_HEADERS } from "../authn/request-header.ts";
import { planData } from "./extension-authentication.ts";

const NOW = Date.UTC(2026, 0, 1);
const DAY_MS = 24 * 3600 * 1000;

test("planData() adds to what other servers wrote, and drops what is over", async () => {
  const issue = async (name: string, days: number) =>
    (await issueAuthority(name, { nowMs: NOW, days })).certificate.trim();
  const clients = await issue("clients", 10);
  const old = await issue("old", 1);
  const other = await issue("other", 10);
  const proxies = await issue("proxies", 10);
  const wanted = {
    clientAuthority: clients,
    requestHeader: { authority: proxies, allowedNames: ["me"], ...USUAL_HEADERS },
  };
  const first = planData({}, wanted, NOW);
  assert.deepEqual(first, {
    "client-ca-file": `${clients}\n`,
    "requestheader-client-ca-file": `${proxies}\n`,
    "requestheader-allowed-names": '["me"]',
    "requestheader-username-headers": '["X-Remote-User"]',
    "requestheader-uid-headers": '["X-Remote-Uid"]',
    "requestheader-group-headers": '["X-Remote-Group"]',
    "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
  });
  assert.deepEqual(planData(first, wanted, NOW), first);
  const theirs = {
    ...first,
    "requestheader-client-ca-file": `${old}\n${other}\n`,
    "requestheader-allowed-names": '["them"]',
    "requestheader-uid-headers": "nonsense",
  };
  const both = planData(theirs, wanted, NOW + 2 * DAY_MS);
  assert.equal(both["requestheader-client-ca-file"], `${other}\n${proxies}\n`);
  assert.equal(both["requestheader-allowed-names"], '["them","me"]');
  assert.equal(both["requestheader-uid-headers"], '["X-Remote-Uid"]');
});

test("planData() says nothing of proxies where there are none", async () => {
  const { certificate } = await issueAuthority("clients", { nowMs: NOW, days: 1 });
  const data = planData({}, { clientAuthority: certificate, requestHeader: undefined }, NOW);
  assert.deepEqual(Object.keys(data), ["client-ca-file"]);
});
