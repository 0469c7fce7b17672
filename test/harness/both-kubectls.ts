/** kubectl of today and Debian's, each in a namespace of its own, on one server with controllers and simulated nodes. */
import { after, before, test } from "node:test";
import { startTestServer, type TestServer } from "./api-server.ts";
import { startTestControllers } from "./controllers.ts";
import { type Kubectl, kubectl, oldKubectl } from "./kubectl.ts";

const TIMEOUT = { timeout: 120_000 };
const VERSIONS = ["1.35", "1.20"] as const;

export interface KubectlCase {
  readonly k: Kubectl;
  readonly version: (typeof VERSIONS)[number];
  /** Everything that it makes without saying where is here. */
  readonly namespace: string;
  readonly server: TestServer;
  /** A value by JSONPath: `get("deploy web", "{.spec.replicas}")`. */
  get(what: string, path: string): Promise<string>;
}

export interface BothKubectls {
  /** A test with each of them, one after the other. */
  each(name: string, body: (c: KubectlCase) => Promise<void>): void;
  /** A test of what only the newer one can do. */
  newer(name: string, body: (c: KubectlCase) => Promise<void>): void;
}

/** To be called at the top of a test file: it starts and ends the server around that file's tests. */
export function useBothKubectls(nodes: readonly string[] = ["n1"]): BothKubectls {
  let server: TestServer;
  let controllers: AsyncDisposable;
  const cases = new Map<string, KubectlCase>();
  before(async () => {
    server = await startTestServer();
    controllers = await startTestControllers(server, nodes);
    for (const version of VERSIONS) cases.set(version, await startCase(server, version));
  }, TIMEOUT);
  after(async () => {
    await controllers[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  }, TIMEOUT);
  const one = (version: string, name: string, body: (c: KubectlCase) => Promise<void>): void => {
    test(`kubectl ${version}: ${name}`, TIMEOUT, async () => {
      const c = cases.get(version);
      if (c === undefined) throw new Error(`kubectl ${version} was not started`);
      await body(c);
    });
  };
  return {
    each: (name, body) => {
      for (const version of VERSIONS) one(version, name, body);
    },
    newer: (name, body) => one("1.35", name, body),
  };
}

async function startCase(
  server: TestServer,
  version: (typeof VERSIONS)[number],
): Promise<KubectlCase> {
  const make = version === "1.35" ? kubectl : oldKubectl;
  const namespace = version === "1.35" ? "newer" : "older";
  const whole = await make(server.kubeconfig, server.directory);
  await whole.ok(["create", "namespace", namespace]);
  const inIt = ["--namespace", namespace];
  const k: Kubectl = {
    binary: whole.binary,
    run: (args, options) => whole.run([...inIt, ...args], options),
    ok: (args, options) => whole.ok([...inIt, ...args], options),
    start: (args) => whole.start([...inIt, ...args]),
  };
  return {
    k,
    version,
    namespace,
    server,
    get: (what, path) => k.ok(["get", ...what.split(" "), `-o=jsonpath=${path}`]),
  };
}
