/** Which values are encrypted by what: of a configuration, for the keys of the store. */
import { ConfigError } from "#lib/config-document";
import type { Random } from "#lib/random";
import { aesCbc, aesGcm, type Cipher } from "./ciphers.ts";
import type { EncryptionConfig, ResourceEncryption } from "./config.ts";

/** A value cannot be read with this configuration: by its key, and never what it holds. */
export class DecryptionError extends ConfigError {
  override readonly name = "DecryptionError";
}

/** Begins every value that is encrypted; those that are not begin with a brace. */
const MARK = "k8s:enc:";
const MARK_BYTES = Buffer.from(MARK);
/** A mark is longer than this only if it is none. */
const PREFIX_BYTES_MAX = 512;
const ROOT_LENGTH = "/registry/".length;

interface Method {
  /** `k8s:enc:aesgcm:v1:KEY:`; empty for what stays as it is. */
  readonly prefix: Buffer;
  readonly cipher: Cipher | undefined;
}

export interface Decrypted {
  readonly value: Uint8Array;
  /** Written otherwise than it would be today. */
  readonly isStale: boolean;
}

export class Encryption {
  readonly #config: EncryptionConfig;
  readonly #methods: ReadonlyMap<ResourceEncryption, readonly Method[]>;
  /** By `GROUP/PLURAL/`, as keys have it. */
  readonly #known = new Map<string, readonly Method[]>();

  constructor(config: EncryptionConfig, random: Random) {
    this.#config = config;
    this.#methods = new Map(config.resources.map((each) => [each, methodsOf(each, random)]));
  }

  encrypt(key: string, value: Uint8Array): Uint8Array {
    const [first] = this.#methodsFor(key);
    if (first?.cipher === undefined) return value;
    return Buffer.concat([first.prefix, first.cipher.encrypt(value, Buffer.from(key))]);
  }

  /** Throws a DecryptionError. */
  decrypt(key: string, value: Uint8Array): Decrypted {
    const methods = this.#methodsFor(key);
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    if (!bytes.subarray(0, MARK_BYTES.length).equals(MARK_BYTES)) return plain(key, value, methods);
    const method = methods.find(
      ({ cipher, prefix }) =>
        cipher !== undefined && bytes.subarray(0, prefix.length).equals(prefix),
    );
    if (method?.cipher === undefined) throw unknownKey(key, bytes);
    try {
      const found = method.cipher.decrypt(bytes.subarray(method.prefix.length), Buffer.from(key));
      return { value: found, isStale: method !== methods[0] };
    } catch (cause) {
      const why = `${key} cannot be decrypted by ${nameOf(bytes)}: the key is another one, or the value was changed`;
      throw new DecryptionError(why, { cause });
    }
  }

  #methodsFor(key: string): readonly Method[] {
    const end = key.indexOf("/", key.indexOf("/", ROOT_LENGTH) + 1);
    const resource = key.slice(ROOT_LENGTH, end);
    let methods = this.#known.get(resource);
    if (methods === undefined) {
      const [group = "", plural = ""] = resource.split("/");
      const rule = this.#config.resources.find(({ resources }) =>
        resources.some((each) => matches(each, group === "core" ? "" : group, plural)),
      );
      methods = (rule && this.#methods.get(rule)) ?? PLAIN;
      this.#known.set(resource, methods);
    }
    return methods;
  }
}

/** Of resources that no rule names. */
const PLAIN: readonly Method[] = [{ prefix: Buffer.alloc(0), cipher: undefined }];

function methodsOf({ providers }: ResourceEncryption, random: Random): readonly Method[] {
  return providers.flatMap((provider) => {
    if (provider.kind === "identity") return PLAIN;
    const { keys, kind } = provider;
    const make = kind === "aesgcm" ? aesGcm : aesCbc;
    return keys.map(({ name, secret }) => ({
      prefix: Buffer.from(`${MARK}${kind}:v1:${name}:`),
      cipher: make(secret, random),
    }));
  });
}

function matches(pattern: string, group: string, plural: string): boolean {
  const at = pattern.indexOf(".");
  const wantedPlural = at === -1 ? pattern : pattern.slice(0, at);
  const wantedGroup = at === -1 ? "" : pattern.slice(at + 1);
  const isPlural = wantedPlural === "*" || wantedPlural === plural;
  return isPlural && (wantedGroup === "*" || wantedGroup === group);
}

function plain(key: string, value: Uint8Array, methods: readonly Method[]): Decrypted {
  const at = methods.findIndex(({ cipher }) => cipher === undefined);
  if (at >= 0) return { value, isStale: at > 0 };
  throw new DecryptionError(
    `${key} is not encrypted, and its providers do not have identity: add it as the last one, rewrite the objects, then remove it`,
  );
}

function unknownKey(key: string, bytes: Buffer): DecryptionError {
  return new DecryptionError(
    `${key} is encrypted by ${nameOf(bytes)}, which no provider for it has: add that key again, not as the first one`,
  );
}

/** `aesgcm key "one"`. */
function nameOf(bytes: Buffer): string {
  const head = bytes.toString("latin1", 0, PREFIX_BYTES_MAX);
  const [kind = "", , name = ""] = head.slice(MARK.length).split(":");
  return `${kind} key ${JSON.stringify(name)}`;
}
