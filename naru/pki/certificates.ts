/** The cluster's certificates on disk: made once, made anew when two thirds of their life are over. */
import { X509Certificate } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import type { Clock } from "#lib/clock";
import type { Credential, Identity } from "./issue.ts";
import { ensureTokenKey } from "./token-key.ts";

export interface CredentialFiles {
  readonly certificatePath: string;
  readonly keyPath: string;
}

export interface ClusterCertificates {
  readonly authority: CredentialFiles & { readonly certificate: string };
  /** Path of the key that signs service accounts' tokens. */
  readonly tokenKeyPath: string;
  /** Of the API server, for both of its fronts. */
  readonly server: CredentialFiles;
  /** In group system:masters, for `naru kubeconfig`. */
  readonly admin: CredentialFiles;
  readonly controllers: CredentialFiles;
  readonly scheduler: CredentialFiles;
  /** The API server before extension API servers, by an authority of its own: who trusts it believes what it says of users. */
  readonly frontProxy: CredentialFiles & { readonly authorityPath: string };
  /** By node name: user `system:node:NAME`. */
  readonly nodes: ReadonlyMap<string, CredentialFiles>;
}

export interface CertificateOptions {
  readonly directory: string;
  /** DNS names and addresses by which clients reach the API server. */
  readonly serverNames: readonly string[];
  readonly nodeNames: readonly string[];
  readonly clock: Clock;
}

const AUTHORITY_DAYS = 3650;
const CERTIFICATE_DAYS = 365;
const AUTHORITY: AuthorityName = { file: "ca", commonName: "naru-ca" };
const PROXY_AUTHORITY: AuthorityName = {
  file: "front-proxy-ca",
  commonName: "naru-front-proxy-ca",
};
/** As `requestheader-allowed-names` has it. */
export const FRONT_PROXY = "front-proxy-client";

interface AuthorityName {
  readonly file: string;
  readonly commonName: string;
}

export async function ensureCertificates(
  options: CertificateOptions,
): Promise<ClusterCertificates> {
  await mkdir(options.directory, { recursive: true, mode: 0o700 });
  const pki = await Directory.open(options, AUTHORITY);
  const proxies = await Directory.open(options, PROXY_AUTHORITY);
  const nodes = new Map<string, CredentialFiles>();
  for (const name of options.nodeNames)
    nodes.set(name, await pki.ensure(`node-${name}`, node(name)));
  const authority = filesOf(options.directory, AUTHORITY.file);
  return {
    authority: {
      ...authority,
      certificate: await readFile(authority.certificatePath, "utf8"),
    },
    tokenKeyPath: await ensureTokenKey(options.directory),
    server: await pki.ensure("server", server(options.serverNames)),
    admin: await pki.ensure("admin", client("naru-admin", ["system:masters"])),
    controllers: await pki.ensure("controllers", client("system:kube-controller-manager", [])),
    frontProxy: {
      ...(await proxies.ensure(FRONT_PROXY, client(FRONT_PROXY, []))),
      authorityPath: filesOf(options.directory, PROXY_AUTHORITY.file).certificatePath,
    },
    scheduler: await pki.ensure("scheduler", client("system:kube-scheduler", [])),
    nodes,
  };
}

class Directory {
  readonly #options: CertificateOptions;
  readonly #authority: Credential;

  private constructor(options: CertificateOptions, authority: Credential) {
    this.#options = options;
    this.#authority = authority;
  }

  static async open(options: CertificateOptions, name: AuthorityName): Promise<Directory> {
    const files = filesOf(options.directory, name.file);
    const found = await read(files);
    if (found !== undefined) return new Directory(options, found);
    const { issueAuthority } = await import("./issue.ts");
    const validity = { nowMs: options.clock.nowMs(), days: AUTHORITY_DAYS };
    const made = await issueAuthority(name.commonName, validity);
    await write(files, made);
    return new Directory(options, made);
  }

  /** The certificate of this name, if it is of this authority, for this identity and not too old; else a new one. */
  async ensure(name: string, identity: Identity): Promise<CredentialFiles> {
    const files = filesOf(this.#options.directory, name);
    const found = await read(files);
    if (found !== undefined && this.#isGood(found, identity)) return files;
    const { issueCertificate } = await import("./issue.ts");
    const validity = { nowMs: this.#options.clock.nowMs(), days: CERTIFICATE_DAYS };
    await write(files, await issueCertificate(this.#authority, identity, validity));
    return files;
  }

  #isGood(found: Credential, identity: Identity): boolean {
    const certificate = new X509Certificate(found.certificate);
    const from = certificate.validFromDate.getTime();
    const to = certificate.validToDate.getTime();
    const renewAtMs = from + ((to - from) * 2) / 3;
    if (this.#options.clock.nowMs() >= renewAtMs) return false;
    if (!certificate.checkIssued(new X509Certificate(this.#authority.certificate))) return false;
    const covers = (name: string): boolean =>
      (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined;
    return identity.names.every(covers);
  }
}

function server(names: readonly string[]): Identity {
  return { commonName: "naru-server", organizations: [], usage: "server", names };
}

function client(commonName: string, organizations: readonly string[]): Identity {
  return { commonName, organizations, usage: "client", names: [] };
}

function node(name: string): Identity {
  return client(`system:node:${name}`, ["system:nodes"]);
}

function filesOf(directory: string, name: string): CredentialFiles {
  return {
    certificatePath: join(directory, `${name}.crt`),
    keyPath: join(directory, `${name}.key`),
  };
}

async function read(files: CredentialFiles): Promise<Credential | undefined> {
  try {
    return {
      certificate: await readFile(files.certificatePath, "utf8"),
      key: await readFile(files.keyPath, "utf8"),
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** The key first: a certificate without its key would look complete to `read` only with both files there. */
async function write(files: CredentialFiles, credential: Credential): Promise<void> {
  await replace(files.keyPath, credential.key, 0o600);
  await replace(files.certificatePath, credential.certificate, 0o644);
}

async function replace(path: string, content: string, mode: number): Promise<void> {
  await writeFile(`${path}.new`, content, { mode });
  await rename(`${path}.new`, path);
}
