/** A container's environment variables, in Kubernetes' order of precedence. Pure. */
import type { ConfigMap, Container, EnvFromSource, EnvVar, Secret, Service } from "#proto/core/v1";
import { ConfigError } from "./config-error.ts";
import { expand } from "./expand.ts";
import { fieldValue, type PodFacts, resourceValue } from "./field-value.ts";

/** The objects that the pod names, as far as they exist. All are of the pod's namespace. */
export interface Sources {
  configMap(name: string): ConfigMap | undefined;
  secret(name: string): Secret | undefined;
}

export interface EnvironmentInputs {
  readonly facts: PodFacts;
  readonly container: Container;
  readonly sources: Sources;
  readonly imageEnv: readonly string[];
  readonly services: ReadonlyMap<string, string>;
}

export function environmentOf(inputs: EnvironmentInputs): ReadonlyMap<string, string> {
  const { facts, container, sources } = inputs;
  const variables = new Map<string, string>([
    ["PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
  ]);
  for (const entry of inputs.imageEnv) {
    const at = entry.indexOf("=");
    if (at > 0) variables.set(entry.slice(0, at), entry.slice(at + 1));
  }
  variables.set("HOSTNAME", facts.pod.spec.hostname ?? facts.pod.metadata.name);
  if (container.tty === true) variables.set("TERM", "xterm");
  // `$(NAME)` sees services and what stands before it, not the image's own.
  const known = new Map(inputs.services);
  for (const from of container.envFrom ?? []) addAll(known, from, sources);
  for (const variable of container.env ?? []) {
    const value = variableValue(variable, known, inputs);
    if (value !== undefined) known.set(variable.name, value);
  }
  for (const [name, value] of known) variables.set(name, value);
  return variables;
}

function addAll(known: Map<string, string>, from: EnvFromSource, sources: Sources): void {
  const { configMapRef, secretRef, prefix = "" } = from;
  const ref = configMapRef ?? secretRef;
  if (ref === undefined) return;
  const { name = "", optional = false } = ref;
  const data =
    configMapRef === undefined
      ? decoded(sources.secret(name)?.data, sources.secret(name) !== undefined)
      : sources.configMap(name) && { ...sources.configMap(name)?.data };
  if (data === undefined) {
    if (optional) return;
    throw new ConfigError(
      `${configMapRef === undefined ? "secret" : "configmap"} "${name}" not found`,
    );
  }
  for (const [key, value] of Object.entries(data)) known.set(`${prefix}${key}`, value);
}

function decoded(
  data: Readonly<Record<string, string>> | undefined,
  exists: boolean,
): Readonly<Record<string, string>> | undefined {
  if (!exists) return undefined;
  return Object.fromEntries(
    Object.entries(data ?? {}).map(([key, text]) => [key, Buffer.from(text, "base64").toString()]),
  );
}

function variableValue(
  variable: EnvVar,
  known: ReadonlyMap<string, string>,
  { facts, container, sources }: EnvironmentInputs,
): string | undefined {
  const { valueFrom } = variable;
  if (valueFrom === undefined) return expand(variable.value ?? "", known);
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
  if (fieldRef !== undefined) {
    return required(fieldValue(facts, fieldRef.fieldPath), variable, fieldRef.fieldPath);
  }
  if (resourceFieldRef !== undefined) {
    const value = resourceValue(facts, container, resourceFieldRef);
    return required(value, variable, resourceFieldRef.resource);
  }
  if (configMapKeyRef !== undefined) {
    const { name = "", key, optional = false } = configMapKeyRef;
    const map = sources.configMap(name);
    return keyed(
      { kind: "configmap", name, key, optional, isThere: map !== undefined },
      map?.data?.[key],
    );
  }
  if (secretKeyRef !== undefined) {
    const { name = "", key, optional = false } = secretKeyRef;
    const secret = sources.secret(name);
    const text = secret?.data?.[key];
    const value = text === undefined ? undefined : Buffer.from(text, "base64").toString();
    return keyed({ kind: "secret", name, key, optional, isThere: secret !== undefined }, value);
  }
  throw new ConfigError(`env ${variable.name}: this kind of valueFrom is not supported`);
}

function required(value: string | undefined, variable: EnvVar, path: string): string {
  if (value !== undefined) return value;
  throw new ConfigError(`env ${variable.name}: field "${path}" is not supported`);
}

interface KeyRef {
  readonly kind: "configmap" | "secret";
  readonly name: string;
  readonly key: string;
  readonly optional: boolean;
  readonly isThere: boolean;
}

function keyed(ref: KeyRef, value: string | undefined): string | undefined {
  if (value !== undefined || ref.optional) return value;
  if (!ref.isThere) throw new ConfigError(`${ref.kind} "${ref.name}" not found`);
  const kind = ref.kind === "secret" ? "Secret" : "ConfigMap";
  throw new ConfigError(`couldn't find key ${ref.key} in ${kind} ${ref.name}`);
}

/** Docker's link variables of the services of a namespace, and of the API server's own. */
export function serviceVariables(services: readonly Service[]): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const { metadata, spec } of services) {
    const ip = spec.clusterIP;
    const [first] = spec.ports ?? [];
    if (ip === undefined || ip === "" || ip === "None" || first === undefined) continue;
    const name = upper(metadata.name);
    variables.set(`${name}_SERVICE_HOST`, ip);
    variables.set(`${name}_SERVICE_PORT`, String(first.port));
    for (const { name: portName, port } of spec.ports ?? []) {
      if (portName) variables.set(`${name}_SERVICE_PORT_${upper(portName)}`, String(port));
    }
    variables.set(
      `${name}_PORT`,
      `${(first.protocol ?? "TCP").toLowerCase()}://${ip}:${first.port}`,
    );
    for (const { port, protocol = "TCP" } of spec.ports ?? []) {
      const prefix = `${name}_PORT_${port}_${protocol}`;
      variables.set(prefix, `${protocol.toLowerCase()}://${ip}:${port}`);
      variables.set(`${prefix}_PROTO`, protocol.toLowerCase());
      variables.set(`${prefix}_PORT`, String(port));
      variables.set(`${prefix}_ADDR`, ip);
    }
  }
  return variables;
}

function upper(name: string): string {
  return name.replaceAll("-", "_").toUpperCase();
}
