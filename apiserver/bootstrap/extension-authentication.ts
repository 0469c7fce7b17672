/**
 * How extension API servers know whom to believe about users: a ConfigMap with the authorities and the names of headers, and
 * a Role for reading it. Several API servers write into the same, so each adds what it is about and takes nothing away.
 */
import { X509Certificate } from "node:crypto";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { ConfigMap } from "#proto/core/v1";
import { configMaps, roleBindings, roles } from "#resources";
import type { RequestHeaderOptions } from "../authn/request-header.ts";
import type { Core, InProcess } from "../chain/core.ts";

export interface ExtensionAuthentication {
  /** PEM: signs users' certificates. */
  readonly clientAuthority: string;
  readonly requestHeader: RequestHeaderOptions | undefined;
}

const NAME = "extension-apiserver-authentication";
const READER = `${NAME}-reader`;
const NAMESPACE = "kube-system";
const RBAC = "rbac.authorization.k8s.io";
const LABELS = { "kubernetes.io/bootstrapping": "rbac-defaults" };

const LOOPBACK = { name: "system:apiserver", groups: ["system:masters"] };

export async function tellExtensions(core: Core, wanted: ExtensionAuthentication): Promise<void> {
  const api = core.as(LOOPBACK);
  await writeMap(api, wanted, core.steps.clock.nowMs());
  await ignoring("AlreadyExists", api.create({ resource: roles, namespace: NAMESPACE }, ROLE));
  await ignoring(
    "AlreadyExists",
    api.create({ resource: roleBindings, namespace: NAMESPACE }, BINDING),
  );
}

async function writeMap(
  api: InProcess,
  wanted: ExtensionAuthentication,
  nowMs: number,
): Promise<void> {
  const collection = { resource: configMaps, namespace: NAMESPACE };
  const target = { ...collection, name: NAME };
  const found = await api.get(target).catch((error: unknown) => {
    if (StatusError.is(error, "NotFound")) return undefined;
    throw error;
  });
  const before = (found as ConfigMap | undefined)?.data ?? {};
  const data = planData(before, wanted, nowMs);
  if (found === undefined)
    await ignoring("AlreadyExists", api.create(collection, { metadata: { name: NAME }, data }));
  else if (Object.entries(data).some(([key, value]) => before[key] !== value))
    await ignoring("NotFound", api.patch(target, { type: "merge", body: { data } }));
}

async function ignoring(reason: "AlreadyExists" | "NotFound", write: Promise<unknown>) {
  try {
    await write;
  } catch (error) {
    // Another server was faster.
    if (!StatusError.is(error, reason)) throw error;
  }
}

/** What the ConfigMap should say, by what it says. Authorities that are over are dropped. Pure. */
export function planData(
  before: Readonly<Record<string, string>>,
  { clientAuthority, requestHeader }: ExtensionAuthentication,
  nowMs: number,
): Readonly<Record<string, string>> {
  const authorities = (key: string, own: string): string =>
    bundle(`${before[key] ?? ""}\n${own}`, nowMs);
  const names = (key: string, own: readonly string[]): string =>
    JSON.stringify([...new Set([...listOf(before[key]), ...own])]);
  const clients = { "client-ca-file": authorities("client-ca-file", clientAuthority) };
  if (requestHeader === undefined) return clients;
  const { allowedNames, authority, extraPrefixes, groupHeaders, uidHeaders, usernameHeaders } =
    requestHeader;
  return {
    ...clients,
    "requestheader-client-ca-file": authorities("requestheader-client-ca-file", authority),
    "requestheader-allowed-names": names("requestheader-allowed-names", allowedNames),
    "requestheader-username-headers": names("requestheader-username-headers", usernameHeaders),
    "requestheader-uid-headers": names("requestheader-uid-headers", uidHeaders),
    "requestheader-group-headers": names("requestheader-group-headers", groupHeaders),
    "requestheader-extra-headers-prefix": names(
      "requestheader-extra-headers-prefix",
      extraPrefixes,
    ),
  };
}

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Each certificate once, in their order, without those that are over. */
function bundle(pem: string, nowMs: number): string {
  const found = new Map<string, string>();
  for (const block of pem.match(BLOCK) ?? []) {
    const certificate = new X509Certificate(block);
    if (certificate.validToDate.getTime() <= nowMs) continue;
    if (!found.has(certificate.fingerprint256)) found.set(certificate.fingerprint256, block);
  }
  return [...found.values()].map((block) => `${block}\n`).join("");
}

/** Somebody may have written anything there; what is no list of names is replaced. */
function listOf(text: string | undefined): readonly string[] {
  try {
    const value: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
  } catch {
    return [];
  }
}

const ROLE: JsonObject = {
  metadata: { name: READER, labels: LABELS },
  rules: [
    {
      apiGroups: [""],
      resources: ["configmaps"],
      resourceNames: [NAME],
      verbs: ["get", "list", "watch"],
    },
  ],
};

const BINDING: JsonObject = {
  metadata: { name: `system::${READER}`, labels: LABELS },
  roleRef: { apiGroup: RBAC, kind: "Role", name: READER },
  subjects: ["system:kube-controller-manager", "system:kube-scheduler"].map((name) => ({
    apiGroup: RBAC,
    kind: "User",
    name,
  })),
};
