/** Users that a proxy names, which shows by a certificate of its own authority that it may. */
import assert from "node:assert/strict";
import { request } from "node:https";
import { after, before, test } from "node:test";
import { USUAL_HEADERS } from "../../apiserver/authn/request-header.ts";
import { type Credential, issueAuthority, issueCertificate } from "../../naru/pki/issue.ts";
import { startTestServer, type TestServer } from "../harness/api-server.ts";

const TIMEOUT = { timeout: 60_000 };
const VALIDITY = { nowMs: Date.now(), days: 1 };

let server: TestServer;
let authority: Credential;

before(async () => {
  authority = await issueAuthority("proxies", VALIDITY);
  server = await startTestServer({
    requestHeader: { authority: authority.certificate, allowedNames: ["gate"], ...USUAL_HEADERS },
  });
}, TIMEOUT);

after(() => server[Symbol.asyncDispose](), TIMEOUT);

function proxy(commonName: string, organizations: readonly string[] = []): Promise<Credential> {
  const identity = { commonName, organizations, names: [], usage: "client" } as const;
  return issueCertificate(authority, identity, VALIDITY);
}

interface Answer {
  readonly status: number;
  readonly user?: { readonly username: string; readonly groups: readonly string[] };
}

function whoAmI(
  credential: Credential | undefined,
  headers: Readonly<Record<string, string | string[]>>,
): Promise<Answer> {
  const tls = credential === undefined ? {} : { cert: credential.certificate, key: credential.key };
  const url = `https://127.0.0.1:${server.server.restPort}/apis/authentication.k8s.io/v1/selfsubjectreviews`;
  const type = { "content-type": "application/json" };
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        ...{ method: "POST", headers: { ...headers, ...type }, agent: false, ...tls },
        ca: server.authority.certificate,
      },
      (response) => {
        let text = "";
        response.on("data", (data) => {
          text += String(data);
        });
        response.on("end", () => {
          const user = JSON.parse(text).status?.userInfo;
          resolve({ status: response.statusCode ?? 0, ...(user === undefined ? {} : { user }) });
        });
      },
    );
    sent.once("error", reject);
    sent.end('{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}');
  });
}

const JANE = { "X-Remote-User": "jane", "X-Remote-Group": ["devs", "ops"] };

test("a proxy names the user", TIMEOUT, async () => {
  const { user } = await whoAmI(await proxy("gate"), JANE);
  assert.equal(user?.username, "jane");
  assert.deepEqual(user?.groups, ["devs", "ops", "system:authenticated"]);
});

test("a proxy may let its user act as another, who then must be allowed to", TIMEOUT, async () => {
  const root = { "Impersonate-User": "root" };
  assert.equal((await whoAmI(await proxy("gate"), { ...JANE, ...root })).status, 403);
  const masters = { ...JANE, "X-Remote-Group": "system:masters", ...root };
  assert.equal((await whoAmI(await proxy("gate"), masters)).user?.username, "root");
});

test("nobody else names anybody", TIMEOUT, async () => {
  assert.equal((await whoAmI(await proxy("window"), JANE)).status, 401);
  const { user } = await whoAmI(server.admin, JANE);
  assert.equal(user?.username, "admin");
  // Without a certificate one is nobody, who may not even ask that.
  assert.equal((await whoAmI(undefined, JANE)).status, 403);
});

test("a certificate of the proxies' authority is no user's", TIMEOUT, async () => {
  const masters = await proxy("gate", ["system:masters"]);
  assert.equal((await whoAmI(masters, {})).status, 403);
});
