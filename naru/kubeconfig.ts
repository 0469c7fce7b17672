import type { Credential } from "./pki/issue.ts";

export interface KubeconfigOptions {
  /** `https://HOST:PORT` */
  readonly server: string;
  /** PEM. */
  readonly authority: string;
  readonly user: Credential;
}

/** A kubeconfig with everything in it, that may be carried to another machine. */
export function kubeconfigText({ server, authority, user }: KubeconfigOptions): string {
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
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
    client-certificate-data: ${base64(user.certificate)}
    client-key-data: ${base64(user.key)}
contexts:
- name: naru
  context:
    cluster: naru
    user: naru-admin
`;
}
