/** The example's extension API server on loopback, behind a service of a test's API server. */
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { JsonObject } from "#lib/json";
import { configMaps, endpointSlices, services } from "#resources";
import type { InProcess } from "../../apiserver/chain/core.ts";
import { startGarden, type User } from "../../examples/extension/garden.ts";
import { issueAuthority, issueCertificate } from "../../naru/pki/issue.ts";

export interface Heard {
  readonly request: IncomingMessage;
  /** Who asks, as the front proxy says; undefined when it was not the front proxy. */
  readonly user: User | undefined;
}

export interface TestGarden extends AsyncDisposable {
  readonly port: number;
  /** PEM in base64, for `caBundle`. */
  readonly caBundle: string;
  /** Everything it was asked but whether it is there. */
  readonly heard: Heard[];
}

const VALIDITY = { nowMs: Date.now(), days: 1 };
const NAMESPACE = "default";
/** Whoever looks whether it is there. */
const LOOKING = "system:kube-aggregator";

/** It reads whom to believe where every extension API server does. */
export async function startTestGarden(api: InProcess, port = 0): Promise<TestGarden> {
  const authority = await issueAuthority("garden-ca", VALIDITY);
  const identity = { commonName: "garden", organizations: [], names: ["garden.default.svc"] };
  const serving = await issueCertificate(authority, { ...identity, usage: "server" }, VALIDITY);
  const map = { resource: configMaps, namespace: "kube-system" };
  const { data } = (await api.get({ ...map, name: "extension-apiserver-authentication" })) as {
    readonly data?: Readonly<Record<string, string>>;
  };
  const heard: Heard[] = [];
  const server = await startGarden({
    port,
    host: "127.0.0.1",
    ...serving,
    frontProxy: {
      authority: data?.["requestheader-client-ca-file"] ?? "",
      allowedNames: JSON.parse(data?.["requestheader-allowed-names"] ?? "[]") as string[],
    },
    heard: (request, user) => {
      if (user?.name !== LOOKING) heard.push({ request, user });
    },
  });
  return {
    port: (server.address() as AddressInfo).port,
    caBundle: Buffer.from(authority.certificate).toString("base64"),
    heard,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A service whose endpoint it is. */
export async function exposeGarden(api: InProcess, { port }: { readonly port: number }) {
  await api.create(
    { resource: services, namespace: NAMESPACE },
    { metadata: { name: "garden" }, spec: { ports: [{ port: 443, targetPort: 8443 }] } },
  );
  const labels = { "kubernetes.io/service-name": "garden" };
  await api.create(
    { resource: endpointSlices, namespace: NAMESPACE },
    {
      metadata: { name: "garden-1", labels },
      addressType: "IPv4",
      ports: [{ name: "", port, protocol: "TCP" }],
      endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }],
    },
  );
}

export function gardenRegistration(fields: JsonObject): string {
  return JSON.stringify({
    apiVersion: "apiregistration.k8s.io/v1",
    kind: "APIService",
    metadata: { name: "v1.garden.example.com" },
    spec: {
      group: "garden.example.com",
      version: "v1",
      service: { namespace: NAMESPACE, name: "garden" },
      groupPriorityMinimum: 2000,
      versionPriority: 15,
      ...fields,
    },
  });
}
