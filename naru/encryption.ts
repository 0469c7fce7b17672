/** Reads the file that `--encryption-provider-config` names. */
import { readFile } from "node:fs/promises";
import { ConfigError } from "#lib/config-document";
import { type EncryptionConfig, parseEncryptionConfig } from "../apiserver/encryption/config.ts";

/** Throws a ConfigError that names file, line and mend. */
export async function readEncryptionConfig(path: string): Promise<EncryptionConfig> {
  const text = await readFile(path, "utf8").catch((cause: Error) => {
    throw new ConfigError(`--encryption-provider-config: ${cause.message}`, { cause });
  });
  return parseEncryptionConfig(path, text);
}
