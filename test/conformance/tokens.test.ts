/** Service accounts' tokens, asked for and shown through the real kubectl and plain HTTPS. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { request } from "node:https";
import { after, before, test } from "node:test";
import { decodeJwt, SignJWT } from "jose";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { type Kubectl, kubectl } from "../harness/kubectl.ts";

const TIMEOUT = { timeout: 60_000 };
const ISSUER = "https://kubernetes.default.svc.cluster.local";

let server: TestServer;
let k: Kubectl;

before(async () => {
  server = await startTestServer();
  k = await kubectl(server.kubeconfig, server.directory);
  await k.ok(["create", "serviceaccount", "robot"]);
  await k.ok([
    "create",
    "rolebinding",
    "robot",
    "--clusterrole=view",
    "--serviceaccount=default:robot",
  ]);
}, TIMEOUT);

after(() => server[Symbol.asyncDispose](), TIMEOUT);

interface Answer {
  readonly status: number;
  readonly body: {
    readonly reason?: string;
    readonly message?: string;
    readonly kind?: string;
    readonly [field: string]: unknown;
  };
}

/** Without a certificate. */
function ask(path: string, token?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const options = {
      host: "127.0.0.1",
      port: server.server.restPort,
      path,
      headers,
      agent: false,
    };
    const sent = request({ ...options, ca: server.authority.certificate }, (response) => {
      let text = "";
      response.on("data", (data) => {
        text += data;
      });
      response.on("end", () => {
        const body = text.startsWith("{") ? JSON.parse(text) : { text };
        resolve({ status: response.statusCode ?? 0, body });
      });
    });
    sent.on("error", reject);
    sent.end();
  });
}

async function createToken(...args: string[]): Promise<string> {
  return (await k.ok(["create", "token", "robot", ...args])).trim();
}

const PODS = "/api/v1/namespaces/default/pods";

test("create token gives a token that acts as its account", TIMEOUT, async () => {
  const token = await createToken();
  assert.equal((await ask(PODS, token)).status, 200);
  const refused = await ask("/api/v1/namespaces/default/secrets", token);
  assert.equal(refused.status, 403);
  assert.match(
    refused.body.message ?? "",
    /User "system:serviceaccount:default:robot" cannot list resource "secrets"/,
  );
  const who = await k.ok(["auth", "whoami", "-o", "json", `--token=${token}`, ...NO_CERTIFICATE()]);
  const { userInfo } = JSON.parse(who).status;
  const { "kubernetes.io": claim, jti, exp = 0, iat = 0, ...claims } = decodeJwt(token);
  assert.deepEqual(userInfo, {
    username: "system:serviceaccount:default:robot",
    uid: (claim as { serviceaccount: { uid: string } }).serviceaccount.uid,
    groups: ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"],
    extra: { "authentication.kubernetes.io/credential-id": [`JTI=${jti}`] },
  });
  assert.equal(exp - iat, 3600);
  assert.deepEqual(claims, {
    iss: ISSUER,
    aud: [ISSUER],
    sub: "system:serviceaccount:default:robot",
    nbf: iat,
  });
});

/** A kubeconfig's certificate would come before the token. */
function NO_CERTIFICATE(): string[] {
  return [
    "--kubeconfig=/dev/null",
    `--server=https://127.0.0.1:${server.server.restPort}`,
    "--insecure-skip-tls-verify",
  ];
}

test("create token refuses what cannot be", TIMEOUT, async () => {
  const refusals: readonly (readonly [RegExp, readonly string[]])[] = [
    [/may not specify a duration less than 10 minutes/, ["robot", "--duration=5m"]],
    [/may not specify a duration larger than 2\^32 seconds/, ["robot", "--duration=1200000h"]],
    [/serviceaccounts "nobody" not found/, ["nobody"]],
    [/pods "gone" not found/, ["robot", "--bound-object-kind=Pod", "--bound-object-name=gone"]],
    [
      /secrets "gone" not found/,
      ["robot", "--bound-object-kind=Secret", "--bound-object-name=gone"],
    ],
  ];
  for (const [text, args] of refusals)
    assert.match((await k.run(["create", "token", ...args])).stderr, text);
});

test(
  "a token ends with the object that it is bound to, and with its account",
  TIMEOUT,
  async () => {
    await k.ok(["create", "secret", "generic", "anchor"]);
    const bound = await createToken("--bound-object-kind=Secret", "--bound-object-name=anchor");
    assert.equal((await ask(PODS, bound)).status, 200);
    await k.ok(["delete", "secret", "anchor"]);
    assert.equal((await ask(PODS, bound)).status, 401);
    await k.ok(["create", "secret", "generic", "anchor"]);
    assert.equal((await ask(PODS, bound)).status, 401, "another Secret of the same name");
    await k.ok(["create", "serviceaccount", "brief"]);
    const token = (await k.ok(["create", "token", "brief"])).trim();
    assert.equal((await ask("/api", token)).status, 200);
    await k.ok(["delete", "serviceaccount", "brief"]);
    await k.ok(["create", "serviceaccount", "brief"]);
    assert.equal((await ask("/api", token)).status, 401);
  },
);

test("a pod's token names the pod and its node", TIMEOUT, async () => {
  const spec = { serviceAccountName: "robot", containers: [{ name: "c", image: "x" }] };
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, spec };
  await k.ok(["create", "-f", "-"], { input: JSON.stringify(pod) });
  const token = await createToken("--bound-object-kind=Pod", "--bound-object-name=p");
  const review = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token } };
  const reviewed = await k.ok(["create", "--validate=false", "-o", "json", "-f", "-"], {
    input: JSON.stringify(review),
  });
  const { status } = JSON.parse(reviewed);
  assert.equal(status.authenticated, true);
  assert.deepEqual(status.audiences, [ISSUER]);
  assert.deepEqual(status.user.extra["authentication.kubernetes.io/pod-name"], ["p"]);
  await k.ok(["delete", "pod", "p", "--now"]);
  assert.equal((await ask(PODS, token)).status, 401);
});

test("hostile tokens are refused with 401 and a Status", TIMEOUT, async () => {
  const good = await createToken();
  const claims = decodeJwt(good);
  const [head = "", body = "", signature = ""] = good.split(".");
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { kid } = JSON.parse(Buffer.from(head, "base64url").toString("utf8"));
  const forged = await new SignJWT(claims)
    .setProtectedHeader({ alg: "ES256", kid })
    .sign(privateKey);
  const none = Buffer.from('{"alg":"none"}').toString("base64url");
  const symmetric = await new SignJWT(claims)
    .setProtectedHeader({ alg: "HS256", kid })
    .sign(Buffer.from(server.authority.certificate));
  const tokens: Readonly<Record<string, string>> = {
    "no algorithm": `${none}.${body}.`,
    "another key": forged,
    "a public key as a secret": symmetric,
    "a changed claim": `${head}.${Buffer.from(JSON.stringify({ ...claims, exp: 9e9 })).toString("base64url")}.${signature}`,
    "no signature": `${head}.${body}.`,
    "another audience": await createToken("--audience=vault"),
    "not a token": "abc",
    huge: `${head}.${"A".repeat(30_000)}.${signature}`,
  };
  assert.equal((await ask(PODS, good)).status, 200);
  for (const [what, token] of Object.entries(tokens)) {
    const { body, status } = await ask(PODS, token);
    assert.deepEqual([what, status, body.kind, body.reason], [what, 401, "Status", "Unauthorized"]);
  }
});

test("nobody in particular sees health and version, and nothing else", TIMEOUT, async () => {
  for (const path of ["/healthz", "/livez", "/readyz", "/version"])
    assert.equal((await ask(path)).status, 200, path);
  const refused = await ask("/api/v1/pods");
  assert.equal(refused.status, 403);
  assert.match(refused.body.message ?? "", /User "system:anonymous" cannot list resource "pods"/);
});

test("others can check tokens by OpenID Connect's documents", TIMEOUT, async () => {
  const token = await createToken();
  const { body } = await ask("/.well-known/openid-configuration", token);
  assert.equal(body["issuer"], ISSUER);
  const { origin, pathname: path } = new URL(String(body["jwks_uri"]));
  assert.equal(origin, `https://127.0.0.1:${server.server.restPort}`);
  const { createLocalJWKSet, jwtVerify } = await import("jose");
  const keys = (await ask(path, token)).body as unknown as Parameters<typeof createLocalJWKSet>[0];
  const { payload } = await jwtVerify(token, createLocalJWKSet(keys), { audience: ISSUER });
  assert.equal(payload.iss, ISSUER);
  assert.equal((await ask(path)).status, 403);
});
