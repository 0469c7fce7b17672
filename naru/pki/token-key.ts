/** The key that signs service accounts' tokens, made once: a new one would end all tokens. */
import { generateKeyPairSync } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The path of its PEM file. */
export async function ensureTokenKey(directory: string): Promise<string> {
  const path = join(directory, "service-accounts.key");
  try {
    await readFile(path);
    return path;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  await writeFile(`${path}.new`, newTokenKey(), { mode: 0o600 });
  await rename(`${path}.new`, path);
  return path;
}

/** PEM, PKCS #8. */
export function newTokenKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" });
}
