import { writeFile } from "node:fs/promises";
import type { Client, ObjectKey } from "#client";
import { jsonLogger, silentLogger } from "#lib/logger";
import { systemClock as clock } from "#lib/system-clock";
import type { ApiObject } from "#proto";
import { customResourceDefinitions, namespaces, type Resource, serviceAccounts } from "#resources";
import { HOLLOW_NODES_MAX } from "../../nodeagent/hollow/hollow-nodes.ts";
import { kubeconfigText } from "../kubeconfig.ts";
import { issueFrontProxy } from "../pki/front-proxy.ts";
import { type Credential, issueAuthority, issueCertificate } from "../pki/issue.ts";
import { applyManifests, findKind, type Manifests } from "./apply.ts";
import { type ControlPlane, HOST, startControlPlane } from "./control-plane.ts";
import { waitForObject } from "./wait-for.ts";

export interface ClusterOptions {
  /** Hollow nodes, `node-1` onward: pods on them are ready at once, without containers. Default 1, at most 254. */
  readonly nodes?: number;
  /** Takes the cluster's log, one JSON object a line. Default: nobody. */
  readonly log?: (line: string) => void;
}

export interface WaitForOptions {
  /** Default 10 s. */
  readonly timeoutMs?: number;
}

/** Somebody else than the administrator, for what RBAC lets them do. */
export interface ClusterUser {
  readonly client: Client;
  readonly kubeconfig: string;
}

const WAIT_MS = 10_000;
const CERTIFICATE_DAYS = 7;
const ADMIN = { name: "naru-admin", groups: ["system:masters"] } as const;

interface ClusterState {
  readonly plane: ControlPlane;
  readonly authority: Credential;
  readonly admin: Credential;
}

/**
 * A Kubernetes cluster in this process: a real API server on a loopback port, with controllers and scheduler, in
 * memory. Any number run side by side; of one that was stopped nothing is left.
 */
export class Cluster implements AsyncDisposable {
  /** `https://127.0.0.1:PORT` */
  readonly url: string;
  /** An administrator's, with everything in it: give it to any client, or write it to a file for kubectl. */
  readonly kubeconfig: string;
  /** Typed calls as an administrator, without the way over the network. */
  readonly client: Client;
  readonly #plane: ControlPlane;
  readonly #authority: Credential;
  readonly #stop = new AbortController();
  #stopping: Promise<void> | undefined;

  private constructor({ plane, authority, admin }: ClusterState) {
    this.#plane = plane;
    this.#authority = authority;
    this.url = `https://${HOST}:${plane.server.restPort}`;
    this.client = plane.client;
    this.kubeconfig = this.#kubeconfigOf(admin);
  }

  /** Resolves when its nodes are ready and pods can be made. Throws RangeError on more nodes than it can have. */
  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const { log, nodes = 1 } = options;
    if (!Number.isInteger(nodes) || nodes < 0 || nodes > HOLLOW_NODES_MAX) {
      throw new RangeError(`nodes: ${nodes}: must be a whole number from 0 to ${HOLLOW_NODES_MAX}`);
    }
    const logger =
      log === undefined
        ? silentLogger
        : jsonLogger({ debug: false, nowMs: clock.nowMs, write: log });
    const authority = await issueAuthority("naru-ca", validity());
    const serving = { commonName: "naru", organizations: [], names: [HOST, "localhost"] };
    const [server, admin, frontProxy] = await Promise.all([
      issueCertificate(authority, { ...serving, usage: "server" }, validity()),
      issueClient(authority, ADMIN.name, ADMIN.groups),
      issueFrontProxy(validity()),
    ]);
    const plane = await startControlPlane({
      authority,
      serving: server,
      frontProxy,
      nodes,
      logger,
    });
    const cluster = new Cluster({ plane, authority, admin });
    // The controllers' first work: until it is done, pods of the default namespace have no account.
    await cluster.waitFor(serviceAccounts, { namespace: "default", name: "default" });
    return cluster;
  }

  /** Readable by nobody else, as kubectl wants it. */
  async writeKubeconfig(path: string): Promise<void> {
    await writeFile(path, this.kubeconfig, { mode: 0o600 });
  }

  /** A namespace of its own, so that tests may share a cluster; its name. Ready for pods. */
  async createNamespace(prefix = "test"): Promise<string> {
    const made = await this.client.create(namespaces, {
      metadata: { generateName: `${prefix}-` },
    });
    const { name } = made.metadata;
    await this.waitFor(serviceAccounts, { namespace: name, name: "default" });
    return name;
  }

  /**
   * Makes the cluster's objects what the manifests say, by server-side apply: YAML of any number of documents, or objects.
   * Those without a namespace go to `default`. Custom kinds may be defined and used in one go. Gives the objects as the
   * server has them, in their order.
   */
  apply(manifests: Manifests): Promise<readonly ApiObject[]> {
    return applyManifests(manifests, {
      client: this.client,
      kinds: this.#plane.kinds,
      untilServed: (name, holds) => this.waitFor(customResourceDefinitions, { name }, holds),
    });
  }

  /** A custom kind, for `client` and `waitFor`: `kind<Site>("example.com/v1", "Site")`. Throws if it is not served. */
  kind<T extends ApiObject>(apiVersion: string, kind: string): Resource<T> {
    const found = findKind(this.#plane.kinds(), apiVersion, kind);
    if (found === undefined) throw new Error(`kind "${kind}" of "${apiVersion}" is not served`);
    return found as Resource<T>;
  }

  /** The object, once it is there and the condition holds. Rejects, with what was seen last, when the time is over. */
  async waitFor<T extends ApiObject>(
    resource: Resource<T>,
    key: ObjectKey,
    holds: (object: T) => boolean = () => true,
    options: WaitForOptions = {},
  ): Promise<T> {
    const isThere = (object: T | undefined): boolean => object !== undefined && holds(object);
    return (await this.#wait(resource, key, isThere, options)) as T;
  }

  /** Resolves once the object is not there. */
  async waitForDeletion<T extends ApiObject>(
    resource: Resource<T>,
    key: ObjectKey,
    options: WaitForOptions = {},
  ): Promise<void> {
    await this.#wait(resource, key, (object) => object === undefined, options);
  }

  /** A user with a client certificate, who may do what RBAC says of the name and the groups. */
  async addUser(name: string, groups: readonly string[] = []): Promise<ClusterUser> {
    const credential = await issueClient(this.#authority, name, groups);
    // Everybody who has shown who they are is in this group, over the wire and here.
    const client = this.#plane.clientAs(name, [...groups, "system:authenticated"]);
    return { client, kubeconfig: this.#kubeconfigOf(credential) };
  }

  /** Ends it; whoever is connected is cut off. Resolves when nothing of it is left: no timer, no socket. */
  stop(): Promise<void> {
    this.#stop.abort();
    this.#stopping ??= this.#plane.close();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #wait<T extends ApiObject>(
    resource: Resource<T>,
    key: ObjectKey,
    holds: (object: T | undefined) => boolean,
    { timeoutMs = WAIT_MS }: WaitForOptions,
  ): Promise<T | undefined> {
    const { client } = this;
    const { signal } = this.#stop;
    return waitForObject({ client, clock, resource, key, holds, timeoutMs, signal });
  }

  #kubeconfigOf(user: Credential): string {
    return kubeconfigText({ server: this.url, authority: this.#authority.certificate, user });
  }
}

function issueClient(
  authority: Credential,
  commonName: string,
  organizations: readonly string[],
): Promise<Credential> {
  const identity = { commonName, organizations, names: [], usage: "client" } as const;
  return issueCertificate(authority, identity, validity());
}

function validity() {
  return { nowMs: clock.nowMs(), days: CERTIFICATE_DAYS };
}
