/** A real API server on loopback over the memory store, with an admin's kubeconfig. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Logger, silentLogger } from "#lib/logger";
import { systemClock } from "#lib/system-clock";
import { systemRandom } from "#lib/system-random";
import type { Auditor } from "../../apiserver/audit/auditor.ts";
import type { AuthenticationOptions } from "../../apiserver/authn/authenticators.ts";
import type { RequestHeaderOptions } from "../../apiserver/authn/request-header.ts";
import { type ApiServer, type Parts, startApiServer } from "../../apiserver/server.ts";
import { MemoryStore } from "../../apiserver/storage/memory/memory-store.ts";
import type { Store } from "../../apiserver/storage/store.ts";
import { apiParts, frontProxyParts } from "../../naru/api-parts.ts";
import { kubeconfigText } from "../../naru/kubeconfig.ts";
import { issueFrontProxy } from "../../naru/pki/front-proxy.ts";
import { type Credential, issueAuthority, issueCertificate } from "../../naru/pki/issue.ts";
import { newTokenKey } from "../../naru/pki/token-key.ts";

export interface TestServer extends AsyncDisposable {
  readonly server: ApiServer;
  readonly authority: Credential;
  readonly directory: string;
  readonly kubeconfig: string;
  readonly admin: Credential;
  credential(commonName: string, organizations?: readonly string[]): Promise<Credential>;
}

const VALIDITY = { nowMs: Date.now(), days: 1 };
const VERSION = { major: "1", minor: "36", gitVersion: "v1.36.0", gitCommit: "", buildDate: "" };

export async function startTestServer(
  options: {
    readonly logger?: Logger;
    readonly parts?: Partial<Parts>;
    readonly restPort?: number;
    /** Proxies that may name users; else the server's own. */
    readonly requestHeader?: RequestHeaderOptions;
    readonly authentication?: AuthenticationOptions;
    /** Pods need an account, as in a whole cluster. */
    readonly serviceAccounts?: boolean;
    /** A memory store of its own, if absent. */
    readonly store?: Store;
    readonly stopping?: AbortSignal;
    readonly auditor?: Auditor;
  } = {},
): Promise<TestServer> {
  const directory = await mkdtemp(join(tmpdir(), "naru-api-"));
  const authority = await issueAuthority("test-ca", VALIDITY);
  const issue = (commonName: string, organizations: readonly string[] = []) =>
    issueCertificate(
      authority,
      { commonName, organizations, usage: "client", names: [] },
      VALIDITY,
    );
  const serving = await issueCertificate(
    authority,
    { commonName: "server", organizations: [], usage: "server", names: ["127.0.0.1", "localhost"] },
    VALIDITY,
  );
  const stop = new AbortController();
  const end = (): Promise<void> => {
    stop.abort();
    return rm(directory, { recursive: true, force: true });
  };
  const server = await startApiServer({
    store: options.store ?? new MemoryStore(systemClock),
    tls: {
      certificate: serving.certificate,
      key: serving.key,
      clientAuthority: authority.certificate,
    },
    host: "127.0.0.1",
    restPort: options.restPort ?? 0,
    grpcPort: 0,
    clock: systemClock,
    random: systemRandom,
    logger: options.logger ?? silentLogger,
    version: VERSION,
    parts: {
      ...apiParts({
        serviceCidr: "10.96.0.0/16",
        signal: stop.signal,
        serviceAccounts: options.serviceAccounts === true,
        tokenKey: newTokenKey(),
        ...(options.authentication === undefined ? {} : { authentication: options.authentication }),
      }),
      ...options.parts,
    },
    ...frontProxyParts(await issueFrontProxy(VALIDITY)),
    ...(options.requestHeader === undefined ? {} : { requestHeader: options.requestHeader }),
    ...(options.stopping === undefined ? {} : { stopping: options.stopping }),
    serviceCidr: "10.96.0.0/16",
    ...(options.auditor === undefined ? {} : { auditor: options.auditor }),
  }).catch(async (error: unknown) => {
    await end();
    throw error;
  });
  const admin = await issue("admin", ["system:masters"]);
  const kubeconfig = join(directory, "kubeconfig");
  await writeFile(kubeconfig, adminConfig(server, authority, admin));
  return {
    server,
    authority,
    directory,
    kubeconfig,
    admin,
    credential: issue,
    [Symbol.asyncDispose]: async () => {
      await server.close();
      await end();
    },
  };
}

function adminConfig(server: ApiServer, authority: Credential, admin: Credential): string {
  return kubeconfigText({
    server: `https://127.0.0.1:${server.restPort}`,
    authority: authority.certificate,
    user: admin,
  });
}
