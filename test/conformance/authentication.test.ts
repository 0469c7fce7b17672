/** The other ways to show who one is: a token file, bootstrap tokens, an OpenID Connect issuer. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { exportJWK, SignJWT } from "jose";
import { systemClock } from "#lib/system-clock";
import { httpsFetch } from "../../naru/https-fetch.ts";
import { issueAuthority, issueCertificate } from "../../naru/pki/issue.ts";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { type Kubectl, kubectl } from "../harness/kubectl.ts";

const TIMEOUT = { timeout: 60_000 };
const KEY = generateKeyPairSync("rsa", { modulusLength: 2048 });
const OTHER_KEY = generateKeyPairSync("rsa", { modulusLength: 2048 });

let issuer: Server;
let issuerUrl: string;
let server: TestServer;
let k: Kubectl;

before(async () => {
  const validity = { nowMs: systemClock.nowMs(), days: 1 };
  const authority = await issueAuthority("issuer-ca", validity);
  const { certificate: cert, key } = await issueCertificate(
    authority,
    { commonName: "issuer", organizations: [], usage: "server", names: ["127.0.0.1"] },
    validity,
  );
  issuer = createServer({ cert, key }, async (request, response) => {
    const keys = [{ ...(await exportJWK(KEY.publicKey)), kid: "1", alg: "RS256", use: "sig" }];
    const configuration = { issuer: issuerUrl, jwks_uri: `${issuerUrl}/keys` };
    response.end(JSON.stringify(request.url === "/keys" ? { keys } : configuration));
  });
  await new Promise<void>((resolve) => issuer.listen(0, "127.0.0.1", resolve));
  issuerUrl = `https://127.0.0.1:${(issuer.address() as AddressInfo).port}`;
  server = await startTestServer({
    authentication: {
      tokenFile: 'file-token,ann,7,"devs,ops"\n',
      oidc: {
        issuerUrl,
        clientId: "cluster",
        usernameClaim: "email",
        groupsClaim: "groups",
        groupsPrefix: "oidc:",
        fetch: httpsFetch(authority.certificate),
      },
    },
  });
  k = await kubectl(server.kubeconfig, server.directory);
}, TIMEOUT);

after(async () => {
  await server?.[Symbol.asyncDispose]();
  issuer?.close();
}, TIMEOUT);

async function whoIs(token: string): Promise<unknown> {
  const { code, stderr, stdout } = await k.run([
    ...["auth", "whoami", "-o", "json", `--token=${token}`, "--kubeconfig=/dev/null"],
    `--server=https://127.0.0.1:${server.server.restPort}`,
    "--insecure-skip-tls-verify",
  ]);
  return code === 0 ? JSON.parse(stdout).status.userInfo : stderr.trim();
}

const REFUSED = /You must be logged in|Unauthorized/;

test("a token of the file is its user's", TIMEOUT, async () => {
  assert.deepEqual(await whoIs("file-token"), {
    username: "ann",
    uid: "7",
    groups: ["devs", "ops", "system:authenticated"],
  });
  assert.match(String(await whoIs("file-toke")), REFUSED);
});

test("a bootstrap token lasts as long as its Secret says", TIMEOUT, async () => {
  const manifest = (fields: object) =>
    JSON.stringify({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "bootstrap-token-abcdef", namespace: "kube-system" },
      type: "bootstrap.kubernetes.io/token",
      stringData: {
        "token-id": "abcdef",
        "token-secret": "0123456789abcdef",
        "usage-bootstrap-authentication": "true",
        ...fields,
      },
    });
  const apply = (fields: object) => k.ok(["apply", "-f", "-"], { input: manifest(fields) });
  await apply({ "auth-extra-groups": "system:bootstrappers:workers" });
  assert.deepEqual(await whoIs("abcdef.0123456789abcdef"), {
    username: "system:bootstrap:abcdef",
    groups: ["system:bootstrappers", "system:bootstrappers:workers", "system:authenticated"],
  });
  assert.match(String(await whoIs("abcdef.0123456789abcdee")), REFUSED);
  assert.match(String(await whoIs("abcdeg.0123456789abcdef")), REFUSED);
  const refusals = [
    { expiration: "2020-01-01T00:00:00Z" },
    { expiration: "soon" },
    { "usage-bootstrap-authentication": "false" },
    { "auth-extra-groups": "system:masters" },
  ];
  for (const fields of refusals) {
    await apply(fields);
    assert.match(String(await whoIs("abcdef.0123456789abcdef")), REFUSED, JSON.stringify(fields));
  }
});

test("an issuer's users are let in by their ID tokens", TIMEOUT, async () => {
  const claims = { email: "ann@example.com", groups: ["devs"] };
  const sign = (given: object, key = KEY.privateKey, life = "1h") =>
    new SignJWT({ ...claims, iss: issuerUrl, aud: "cluster", ...given })
      .setProtectedHeader({ alg: "RS256", kid: "1" })
      .setExpirationTime(life)
      .sign(key);
  assert.deepEqual(await whoIs(await sign({})), {
    username: "ann@example.com",
    groups: ["oidc:devs", "system:authenticated"],
  });
  const hostile: Readonly<Record<string, string>> = {
    "another client": await sign({ aud: "other" }),
    "another issuer": await sign({ iss: "https://other.example" }),
    "another key": await sign({}, OTHER_KEY.privateKey),
    expired: await sign({}, KEY.privateKey, "-1h"),
    "no name": await sign({ email: undefined }),
  };
  for (const [what, token] of Object.entries(hostile))
    assert.match(String(await whoIs(token)), REFUSED, what);
});
