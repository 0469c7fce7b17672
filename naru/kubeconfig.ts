import { readFile } from "node:fs/promises";
import type { CredentialFiles } from "./pki/certificates.ts";

/** A kubeconfig with everything in it, that may be carried to another machine. */
export async function kubeconfigText(
  server: string,
  authority: string,
  user: CredentialFiles,
): Promise<string> {
  const base64 = (text: Buffer | string): string => Buffer.from(text).toString("base64");
  const certificate = await readFile(user.certificatePath);
  const key = await readFile(user.keyPath);
  return `apiVersion: v1
kind: Config
current-context: naru
clusters:
- name: naru
  cluster:
    server: ${server}
    certificate-authority-data: ${base64(authority)}
users:
- name: naru-admin
  user:
    client-certificate-data: ${base64(certificate)}
    client-key-data: ${base64(key)}
contexts:
- name: naru
  context:
    cluster: naru
    user: naru-admin
`;
}
