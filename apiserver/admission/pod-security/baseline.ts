/** The baseline level: no known way out of a container. https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
import type { LifecycleHandler, Probe, SELinuxOptions } from "#proto/core/v1";
import {
  type AnyContainer,
  type Check,
  naming,
  plural,
  quoted,
  type Subject,
  setters,
  sorted,
  type Violation,
} from "./subject.ts";

const APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/";
const SECCOMP_POD_ANNOTATION = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_ANNOTATION = "container.seccomp.security.alpha.kubernetes.io/";

const CAPABILITIES = new Set([
  "AUDIT_WRITE",
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "MKNOD",
  "NET_BIND_SERVICE",
  "SETFCAP",
  "SETGID",
  "SETPCAP",
  "SETUID",
  "SYS_CHROOT",
]);

const PROFILES = new Set<string | undefined>([undefined, "RuntimeDefault", "Localhost"]);

export const appArmorProfile: Check = ({ annotations, containers, spec }) => {
  const ofPod = spec.securityContext?.appArmorProfile?.type;
  const isPodBad = !PROFILES.has(ofPod);
  const typeOf = (each: AnyContainer) => each.securityContext?.appArmorProfile?.type;
  const bad = containers.filter((each) => !PROFILES.has(typeOf(each)));
  const types = sorted(
    [ofPod, ...bad.map(typeOf)].flatMap((t) => (PROFILES.has(t) ? [] : [t ?? ""])),
  );
  const annotated = Object.entries(annotations)
    .filter(([key, value]) => key.startsWith(APPARMOR_ANNOTATION) && !isAppArmorValue(value))
    .map(([key, value]) => `${key}="${value}"`)
    .toSorted();
  const said = [
    ...[setters(isPodBad, bad)].flatMap((text) => text ?? []),
    ...(annotated.length > 0 ? [plural("annotation", annotated.length)] : []),
  ];
  if (said.length === 0) return undefined;
  const values = [...types, ...annotated];
  return {
    reason: plural("forbidden AppArmor profile", values.length),
    detail: `${said.join(" and ")} must not set AppArmor profile type to ${quoted(values)}`,
  };
};

function isAppArmorValue(value: string): boolean {
  return value === "" || value === "runtime/default" || value.startsWith("localhost/");
}

export const capabilities: Check = ({ containers }) => {
  const added = (each: AnyContainer) =>
    (each.securityContext?.capabilities?.add ?? []).filter((name) => !CAPABILITIES.has(name));
  const bad = containers.filter((each) => added(each).length > 0);
  if (bad.length === 0) return undefined;
  const names = quoted(sorted(bad.flatMap(added)));
  return {
    reason: "non-default capabilities",
    detail: `${naming(bad)} must not include ${names} in securityContext.capabilities.add`,
  };
};

export const hostNamespaces: Check = ({ spec }) => {
  const shared = (["hostNetwork", "hostPID", "hostIPC"] as const).filter((name) => spec[name]);
  if (shared.length === 0) return undefined;
  return { reason: "host namespaces", detail: shared.map((name) => `${name}=true`).join(", ") };
};

export const hostPathVolumes: Check = ({ spec }) => {
  const bad = (spec.volumes ?? []).filter(({ hostPath }) => hostPath !== undefined);
  if (bad.length === 0) return undefined;
  const names = quoted(bad.map(({ name }) => name));
  return { reason: "hostPath volumes", detail: `${plural("volume", bad.length)} ${names}` };
};

export const hostPorts: Check = ({ containers }) => {
  const portsOf = ({ ports = [] }: AnyContainer) =>
    ports.flatMap(({ hostPort = 0 }) => (hostPort === 0 ? [] : [String(hostPort)]));
  const bad = containers.filter((each) => portsOf(each).length > 0);
  if (bad.length === 0) return undefined;
  const ports = sorted(bad.flatMap(portsOf));
  const uses = bad.length === 1 ? "uses" : "use";
  const list = `${plural("hostPort", ports.length)} ${ports.join(", ")}`;
  return { reason: "hostPort", detail: `${naming(bad)} ${uses} ${list}` };
};

/** The node asks on a pod's behalf: it must not be sent to other hosts. */
export const probeHosts: Check = ({ containers }) => {
  const hostsOf = (each: AnyContainer): readonly string[] =>
    [
      each.livenessProbe,
      each.readinessProbe,
      each.startupProbe,
      each.lifecycle?.postStart,
      each.lifecycle?.preStop,
    ].flatMap(handlerHosts);
  const bad = containers.filter((each) => hostsOf(each).length > 0);
  if (bad.length === 0) return undefined;
  const hosts = sorted(bad.flatMap(hostsOf));
  const uses = bad.length === 1 ? "uses" : "use";
  const list = `${plural("probe or lifecycle host", hosts.length)} ${quoted(hosts)}`;
  const byName = bad.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return { reason: "probe or lifecycle host", detail: `${naming(byName)} ${uses} ${list}` };
};

function handlerHosts(handler: LifecycleHandler | Probe | undefined): readonly string[] {
  return [handler?.httpGet?.host, handler?.tcpSocket?.host].flatMap((host) => host || []);
}

export const privileged: Check = ({ containers }) => {
  const bad = containers.filter((each) => each.securityContext?.privileged === true);
  if (bad.length === 0) return undefined;
  return {
    reason: "privileged",
    detail: `${naming(bad)} must not set securityContext.privileged=true`,
  };
};

export const procMount: Check = ({ containers }) => {
  const typeOf = (each: AnyContainer): string => each.securityContext?.procMount ?? "Default";
  const bad = containers.filter((each) => typeOf(each) !== "Default");
  if (bad.length === 0) return undefined;
  const types = quoted(sorted(bad.map(typeOf)));
  return {
    reason: "procMount",
    detail: `${naming(bad)} must not set securityContext.procMount to ${types}`,
  };
};

/** Root in a user namespace is nobody outside of it. KEP-127. */
export function unlessUserNamespace(check: Check): Check {
  return (subject) => (subject.spec.hostUsers === false ? undefined : check(subject));
}

const SELINUX_TYPES = ["", "container_t", "container_init_t", "container_kvm_t"];

export const seLinuxOptions = seLinux(new Set(SELINUX_TYPES));
export const seLinuxOptionsWithEngine = seLinux(new Set([...SELINUX_TYPES, "container_engine_t"]));

function seLinux(types: ReadonlySet<string>): Check {
  const isBad = (options: SELinuxOptions | undefined): options is SELinuxOptions =>
    options !== undefined && (!types.has(options.type ?? "") || !!options.user || !!options.role);
  return ({ containers, spec }) => {
    const ofPod = spec.securityContext?.seLinuxOptions;
    const bad = containers.filter((each) => isBad(each.securityContext?.seLinuxOptions));
    const who = setters(isBad(ofPod), bad);
    if (who === undefined) return undefined;
    const all = [ofPod, ...bad.map((each) => each.securityContext?.seLinuxOptions)].filter(isBad);
    const badTypes = sorted(all.flatMap(({ type = "" }) => (types.has(type) ? [] : [type])));
    const what = [
      ...(badTypes.length > 0 ? [`${plural("type", badTypes.length)} ${quoted(badTypes)}`] : []),
      ...(all.some(({ user }) => user) ? ["user may not be set"] : []),
      ...(all.some(({ role }) => role) ? ["role may not be set"] : []),
    ];
    const detail = `${who} set forbidden securityContext.seLinuxOptions: ${what.join("; ")}`;
    return { reason: "seLinuxOptions", detail };
  };
}

/** Before there was a field for it. */
export const seccompAnnotations: Check = ({ annotations, containers }) => {
  const keys = [SECCOMP_POD_ANNOTATION, ...containers.map(({ name }) => SECCOMP_ANNOTATION + name)];
  const bad = sorted(
    keys.flatMap((key) => {
      const value = annotations[key];
      return value === undefined || isSeccompValue(value) ? [] : [`${key}="${value}"`];
    }),
  );
  if (bad.length === 0) return undefined;
  const detail = `forbidden ${plural("annotation", bad.length)} ${bad.join(", ")}`;
  return { reason: "seccompProfile", detail };
};

function isSeccompValue(value: string): boolean {
  return ["runtime/default", "docker/default"].includes(value) || value.startsWith("localhost/");
}

export const seccompProfile: Check = (subject) => badSeccomp(subject);

export function badSeccomp({ containers, spec }: Subject): Violation | undefined {
  const ofPod = spec.securityContext?.seccompProfile?.type;
  const typeOf = (each: AnyContainer) => each.securityContext?.seccompProfile?.type;
  const bad = containers.filter((each) => !PROFILES.has(typeOf(each)));
  const who = setters(!PROFILES.has(ofPod), bad);
  if (who === undefined) return undefined;
  const all = [ofPod, ...bad.map(typeOf)].flatMap((type) =>
    PROFILES.has(type) ? [] : [type ?? ""],
  );
  const detail = `${who} must not set securityContext.seccompProfile.type to ${quoted(sorted(all))}`;
  return { reason: "seccompProfile", detail };
}

const SYSCTLS = [
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.ping_group_range",
  "net.ipv4.ip_unprivileged_port_start",
];
const SYSCTLS_27 = [...SYSCTLS, "net.ipv4.ip_local_reserved_ports"];
const SYSCTLS_29 = [
  ...SYSCTLS_27,
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
];
const SYSCTLS_32 = [...SYSCTLS_29, "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"];

export const sysctls = {
  first: allowedSysctls(SYSCTLS),
  v27: allowedSysctls(SYSCTLS_27),
  v29: allowedSysctls(SYSCTLS_29),
  v32: allowedSysctls(SYSCTLS_32),
};

function allowedSysctls(names: readonly string[]): Check {
  const allowed = new Set(names);
  return ({ spec }) => {
    const all = spec.securityContext?.sysctls ?? [];
    const bad = all.map(({ name }) => name).filter((name) => !allowed.has(name));
    return bad.length === 0 ? undefined : { reason: "forbidden sysctls", detail: bad.join(", ") };
  };
}

export const windowsHostProcess: Check = ({ containers, spec }) => {
  const isPodBad = spec.securityContext?.windowsOptions?.hostProcess === true;
  const bad = containers.filter((e) => e.securityContext?.windowsOptions?.hostProcess === true);
  const who = setters(isPodBad, bad);
  if (who === undefined) return undefined;
  const detail = `${who} must not set securityContext.windowsOptions.hostProcess=true`;
  return { reason: "hostProcess", detail };
};
