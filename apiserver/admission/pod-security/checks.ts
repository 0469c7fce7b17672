/** Which checks make up a level, at each version of the standards. Pure. */
import * as baseline from "./baseline.ts";
import { unlessUserNamespace } from "./baseline.ts";
import type { Level, LevelVersion } from "./policy.ts";
import * as restricted from "./restricted.ts";
import { unlessWindows } from "./restricted.ts";
import type { Check, Subject, Violation } from "./subject.ts";

interface Row {
  readonly id: string;
  readonly level: Exclude<Level, "privileged">;
  /** The minor version that it came with; a later row of the same id takes its place from then on. */
  readonly since: number;
  readonly check: Check;
  /** The id of the baseline's check that this one is the stricter form of. */
  readonly instead?: string;
}

function base(id: string, since: number, check: Check): Row {
  return { id, level: "baseline", since, check };
}

function strict(id: string, since: number, check: Check, instead?: string): Row {
  return { id, level: "restricted", since, check, ...(instead === undefined ? {} : { instead }) };
}

const ROWS: readonly Row[] = [
  strict("allowPrivilegeEscalation", 8, restricted.allowPrivilegeEscalation),
  strict("allowPrivilegeEscalation", 25, unlessWindows(restricted.allowPrivilegeEscalation)),
  base("appArmorProfile", 0, baseline.appArmorProfile),
  base("capabilities_baseline", 0, baseline.capabilities),
  strict("capabilities_restricted", 22, restricted.capabilities, "capabilities_baseline"),
  strict(
    "capabilities_restricted",
    25,
    unlessWindows(restricted.capabilities),
    "capabilities_baseline",
  ),
  base("hostNamespaces", 0, baseline.hostNamespaces),
  base("hostPathVolumes", 0, baseline.hostPathVolumes),
  base("hostPorts", 0, baseline.hostPorts),
  base("hostProbesAndHostLifecycle", 34, baseline.probeHosts),
  base("privileged", 0, baseline.privileged),
  base("procMount", 0, baseline.procMount),
  base("procMount", 35, unlessUserNamespace(baseline.procMount)),
  strict("procMount_restricted", 35, baseline.procMount, "procMount"),
  strict("restrictedVolumes", 0, restricted.volumes, "hostPathVolumes"),
  strict("runAsNonRoot", 0, restricted.runAsNonRoot),
  strict("runAsNonRoot", 35, unlessUserNamespace(restricted.runAsNonRoot)),
  strict("runAsUser", 23, restricted.runAsUser),
  strict("runAsUser", 35, unlessUserNamespace(restricted.runAsUser)),
  base("seLinuxOptions", 0, baseline.seLinuxOptions),
  base("seLinuxOptions", 31, baseline.seLinuxOptionsWithEngine),
  base("seccompProfile_baseline", 0, baseline.seccompAnnotations),
  base("seccompProfile_baseline", 19, baseline.seccompProfile),
  strict("seccompProfile_restricted", 19, restricted.seccompProfile, "seccompProfile_baseline"),
  strict(
    "seccompProfile_restricted",
    25,
    unlessWindows(restricted.seccompProfile),
    "seccompProfile_baseline",
  ),
  base("sysctls", 0, baseline.sysctls.first),
  base("sysctls", 27, baseline.sysctls.v27),
  base("sysctls", 29, baseline.sysctls.v29),
  base("sysctls", 32, baseline.sysctls.v32),
  base("windowsHostProcess", 0, baseline.windowsHostProcess),
];

/** What a pod does that the level does not allow, in the order of the checks' names. */
export function violations({ level, version }: LevelVersion, subject: Subject): Violation[] {
  if (level === "privileged") return [];
  return checksOf(level, version === "latest" ? Number.POSITIVE_INFINITY : version).flatMap(
    (check) => check(subject) ?? [],
  );
}

function checksOf(level: Exclude<Level, "privileged">, minor: number): readonly Check[] {
  const current = new Map<string, Row>();
  for (const row of ROWS) {
    const isAsked = row.level === "baseline" || level === "restricted";
    if (isAsked && row.since <= minor) current.set(row.id, row);
  }
  const replaced = new Set([...current.values()].map(({ instead }) => instead));
  return [...current.values()].filter(({ id }) => !replaced.has(id)).map(({ check }) => check);
}

/** `host namespaces, privileged`. */
export function reasonsOf(found: readonly Violation[]): string {
  return found.map(({ reason }) => reason).join(", ");
}

/** `host namespaces (hostPID=true), privileged (container "c" must not …)`. */
export function detailsOf(found: readonly Violation[]): string {
  return found.map(({ detail, reason }) => `${reason} (${detail})`).join(", ");
}
