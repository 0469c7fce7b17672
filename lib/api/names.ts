/** The rules for names; each returns what is wrong, in Kubernetes' words, or undefined. */

import { canonicalAddress, familyOf } from "./cidr.ts";

/** Which rule a kind's names follow. "path": RBAC names, which only must not break a URL. */
export type NameRule = "address" | "label" | "path" | "service" | "subdomain";

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SERVICE = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const QUALIFIED = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const ENVIRONMENT = /^[-._a-zA-Z][-._a-zA-Z0-9]*$/;
const PORT_NAME = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
const CONFIG_KEY = /^[-._a-zA-Z0-9]+$/;
const LABEL_LENGTH_MAX = 63;
const SUBDOMAIN_LENGTH_MAX = 253;
const PORT_NAME_LENGTH_MAX = 15;

export function nameProblem(name: string, rule: NameRule): string | undefined {
  switch (rule) {
    case "address":
      return addressProblem(name);
    case "label":
      return labelNameProblem(name);
    case "service":
      if (name.length > LABEL_LENGTH_MAX) return tooLong(LABEL_LENGTH_MAX);
      return SERVICE.test(name)
        ? undefined
        : "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
    case "subdomain":
      return subdomainProblem(name);
    case "path":
      if (name === "." || name === "..") return `may not be '${name}'`;
      return /[/%]/.test(name) ? "may not contain '/' or '%'" : undefined;
  }
}

/** An IP address in the one spelling that it has. */
export function addressProblem(address: string): string | undefined {
  if (familyOf(address) === undefined)
    return "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
  const canonical = canonicalAddress(address);
  return canonical === address ? undefined : `must be in canonical form ("${canonical}")`;
}

/** RFC 1123. */
export function labelNameProblem(name: string): string | undefined {
  if (name.length > LABEL_LENGTH_MAX) return tooLong(LABEL_LENGTH_MAX);
  return LABEL.test(name)
    ? undefined
    : "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
}

export function subdomainProblem(name: string): string | undefined {
  if (name.length > SUBDOMAIN_LENGTH_MAX) return tooLong(SUBDOMAIN_LENGTH_MAX);
  return SUBDOMAIN.test(name)
    ? undefined
    : "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
}

/** `app`, `example.com/app`: names of labels, annotations, finalizers, taints. */
export function labelKeyProblem(key: string): string | undefined {
  const parts = key.split("/");
  if (parts.length > 2)
    return "a qualified name must have an optional DNS subdomain prefix and '/'";
  const name = parts.at(-1) ?? "";
  if (parts.length === 2 && subdomainProblem(parts[0] ?? "") !== undefined) {
    return `prefix part ${subdomainProblem(parts[0] ?? "")}`;
  }
  if (name === "") return "name part must be non-empty";
  if (name.length > LABEL_LENGTH_MAX) return `name part ${tooLong(LABEL_LENGTH_MAX)}`;
  return QUALIFIED.test(name)
    ? undefined
    : "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
}

export function labelValueProblem(value: string): string | undefined {
  if (value === "") return undefined;
  if (value.length > LABEL_LENGTH_MAX) return tooLong(LABEL_LENGTH_MAX);
  return QUALIFIED.test(value)
    ? undefined
    : "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
}

export function environmentNameProblem(name: string): string | undefined {
  if (name === "") return "must not be empty";
  return ENVIRONMENT.test(name)
    ? undefined
    : "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit";
}

/** IANA's service names, which ports are called by. */
export function portNameProblem(name: string): string | undefined {
  if (name.length > PORT_NAME_LENGTH_MAX) return tooLong(PORT_NAME_LENGTH_MAX);
  if (!/[a-z]/.test(name)) return "must contain at least one letter (a-z)";
  if (name.includes("--")) return "must not contain consecutive hyphens";
  return PORT_NAME.test(name)
    ? undefined
    : "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-), and must not begin or end with a hyphen";
}

/** Keys of ConfigMaps and Secrets become file names. */
export function configKeyProblem(key: string): string | undefined {
  if (key === "." || key === ".." || key.startsWith("..")) return `must not be or start with '..'`;
  if (key.length > SUBDOMAIN_LENGTH_MAX) return tooLong(SUBDOMAIN_LENGTH_MAX);
  return CONFIG_KEY.test(key)
    ? undefined
    : "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
}

function tooLong(max: number): string {
  return `must be no more than ${max} characters`;
}
