/** EncryptionConfiguration of apiserver.config.k8s.io/v1: https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/ */
import { type ConfigNode, checkKind, readConfig } from "#lib/config-document";

export interface Key {
  readonly name: string;
  readonly secret: Buffer;
}

export type Provider =
  | { readonly kind: "aesgcm" | "aescbc"; readonly keys: readonly Key[] }
  /** As it is. */
  | { readonly kind: "identity" };

export interface ResourceEncryption {
  /** `secrets`, `deployments.apps`, `*.` (the core group), `*.apps`, `*.*`. */
  readonly resources: readonly string[];
  /** The first writes; all read. */
  readonly providers: readonly Provider[];
}

export interface EncryptionConfig {
  /** The first that names a resource counts. */
  readonly resources: readonly ResourceEncryption[];
}

const KEY_LENGTHS = [16, 24, 32];
/** Known to Kubernetes and not here: refused by name, with what to take. */
const UNSUPPORTED = ["secretbox", "kms"];

/** Throws a ConfigError that names lines and fields; never a key. `file` is the file's name. */
export function parseEncryptionConfig(file: string, text: string): EncryptionConfig {
  return readConfig(file, text, (root) => {
    checkKind(root, "EncryptionConfiguration", ["apiserver.config.k8s.io/v1"]);
    const resources = (root.required("resources")?.items ?? []).map(encryptionOf);
    root.end();
    return { resources };
  });
}

function encryptionOf(node: ConfigNode): ResourceEncryption {
  const resources = (node.required("resources")?.items ?? []).map(resourceOf);
  const providers = (node.required("providers")?.items ?? []).flatMap(
    (item) => providerOf(item) ?? [],
  );
  node.end();
  if (resources.length === 0 && node.field("resources") !== undefined)
    node.field("resources")?.problem("Required value: name at least one resource, as secrets");
  if (providers.length === 0 && node.field("providers")?.items.length === 0)
    node.field("providers")?.problem("Required value: name at least one provider, as aesgcm");
  return { resources, providers };
}

function resourceOf(node: ConfigNode): string {
  const { text } = node;
  const value = JSON.stringify(text);
  if (text === "*")
    node.problem(`Invalid value: ${value}: use "*.*" for everything, "*." for the core group`);
  else if (text !== "" && !/^(\*\.([a-z0-9.-]+|\*)?|[a-z0-9-]+(\.[a-z0-9.-]+)?)$/.test(text))
    node.problem(
      `Invalid value: ${value}: must be a plural with its group, as secrets or deployments.apps`,
    );
  return text;
}

function providerOf(node: ConfigNode): Provider | undefined {
  const gcm = node.field("aesgcm");
  const cbc = node.field("aescbc");
  const identity = node.field("identity");
  const others = UNSUPPORTED.filter((name) => node.field(name) !== undefined);
  node.end();
  for (const name of others)
    node.field(name)?.problem("this provider is not supported; use aesgcm, aescbc or identity");
  const given = [gcm, cbc, identity].filter((each) => each !== undefined);
  if (given.length + others.length !== 1)
    node.problem("must have exactly one of aesgcm, aescbc and identity");
  if (gcm !== undefined) return { kind: "aesgcm", keys: keysOf(gcm) };
  if (cbc !== undefined) return { kind: "aescbc", keys: keysOf(cbc) };
  if (identity === undefined) return undefined;
  identity.end();
  return { kind: "identity" };
}

function keysOf(node: ConfigNode): readonly Key[] {
  const list = node.required("keys");
  const items = list?.items ?? [];
  node.end();
  if (items.length === 0 && list !== undefined)
    list.problem("Required value: give at least one key");
  const names = new Set<string>();
  return items.map((item) => {
    const key = keyOf(item);
    if (names.has(key.name)) item.problem(`name: Duplicate value: ${JSON.stringify(key.name)}`);
    names.add(key.name);
    return key;
  });
}

function keyOf(node: ConfigNode): Key {
  const nameNode = node.required("name");
  const secretNode = node.required("secret");
  node.end();
  const name = nameNode?.text ?? "";
  if (nameNode !== undefined && (name === "" || name.includes(":")))
    nameNode.problem(`Invalid value: ${JSON.stringify(name)}: must not be empty, nor contain ":"`);
  const text = secretNode?.text ?? "";
  const secret = Buffer.from(text, "base64");
  if (
    secretNode !== undefined &&
    secret.toString("base64").replace(/=+$/, "") !== text.replace(/=+$/, "")
  )
    secretNode.problem("Invalid value: must be base64");
  else if (secretNode !== undefined && !KEY_LENGTHS.includes(secret.length))
    secretNode.problem(
      `Invalid value: has ${secret.length} bytes, and must have 16, 24 or 32; make one with: head -c 32 /dev/urandom | base64`,
    );
  return { name, secret };
}
