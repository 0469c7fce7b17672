/** ClusterTrustBundles: who may say whom to trust, and what they hold. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestServer } from "../harness/api-server.ts";
import { kubectl } from "../harness/kubectl.ts";

const SIGNER = "example.com/internal";

function bundle(name: string, trustBundle: string, signerName?: string): string {
  return JSON.stringify({
    apiVersion: "certificates.k8s.io/v1beta1",
    kind: "ClusterTrustBundle",
    metadata: { name },
    spec: { trustBundle, ...(signerName === undefined ? {} : { signerName }) },
  });
}

test("a trust bundle holds authorities, and has its signer's name", async () => {
  await using server = await startTestServer();
  const user = await kubectl(server.kubeconfig, server.directory);
  const ca = server.authority.certificate;
  await user.ok(["apply", "-f", "-"], { input: bundle("everybody", ca) });
  await user.ok(["apply", "-f", "-"], { input: bundle("example.com:internal:v1", ca, SIGNER) });
  assert.match(
    await user.ok(["get", "clustertrustbundles"]),
    /^NAME\s+SIGNERNAME\neverybody\s+<none>\nexample\.com:internal:v1\s+example\.com\/internal\n/,
  );
  const selector = ["--field-selector", `spec.signerName=${SIGNER}`, "-o", "name"];
  assert.equal(
    await user.ok(["get", "clustertrustbundles", ...selector]),
    "clustertrustbundle.certificates.k8s.io/example.com:internal:v1\n",
  );
  const wrong: readonly (readonly [string, RegExp])[] = [
    [bundle("none", "no certificate"), /at least one trust anchor must be provided/],
    [bundle("leaf", server.admin.certificate), /entry 0 does not have the CA bit set/],
    [bundle("twice", `${ca}${ca}`), /duplicate trust anchor \(indices \[0 1\]\)/],
    [bundle("key", server.admin.key), /entry 0 has bad block type: /],
    [bundle("v1", ca, SIGNER), /must be named with prefix example\.com:internal:/],
    [bundle("a:b", ca), /without signer name must not have/],
  ];
  for (const [input, why] of wrong) {
    const { code, stderr } = await user.run(["apply", "-f", "-"], { input });
    assert.equal(code, 1, input);
    assert.match(stderr, why);
  }
});

test("who may not attest for a signer says nobody whom to trust in its name", async () => {
  await using server = await startTestServer();
  const admin = await kubectl(server.kubeconfig, server.directory);
  const ca = server.authority.certificate;
  const role = ["--verb=create,get,patch", "--resource=clustertrustbundles.certificates.k8s.io"];
  await admin.ok(["create", "clusterrole", "bundles", ...role]);
  await admin.ok(["create", "clusterrolebinding", "bundles", "--clusterrole=bundles", "--user=u"]);
  const as = (input: string) => admin.run(["apply", "--as=u", "-f", "-"], { input });
  assert.equal((await as(bundle("everybody", ca))).code, 0);
  const named = bundle("example.com:internal:v1", ca, SIGNER);
  assert.match(
    (await as(named)).stderr,
    /user not permitted to attest for signerName "example\.com\/internal"/,
  );
  // A resource that only access knows: kubectl would look for it.
  const attest = {
    apiGroups: ["certificates.k8s.io"],
    resources: ["signers"],
    resourceNames: ["example.com/*"],
    verbs: ["attest"],
  };
  const kind = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole" };
  const input = JSON.stringify({ ...kind, metadata: { name: "attest" }, rules: [attest] });
  await admin.ok(["apply", "-f", "-"], { input });
  await admin.ok(["create", "clusterrolebinding", "attest", "--clusterrole=attest", "--user=u"]);
  const { code, stderr } = await as(named);
  assert.equal(code, 0, stderr);
});
