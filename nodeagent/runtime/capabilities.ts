import type { OciConfig } from "./oci-config.ts";

/** linux/capability.h: the place in the list is the number. */
const NAMES = (
  "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE " +
  "NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT " +
  "SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE " +
  "AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ " +
  "PERFMON BPF CHECKPOINT_RESTORE"
).split(" ");

export const CAPABILITY_COUNT = NAMES.length;

/** Every name, as OCI and Kubernetes' runtimes spell it. */
export const ALL_CAPABILITIES: readonly string[] = NAMES.map((name) => `CAP_${name}`);

/** What a container has that asks for nothing: containerd's list. */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FSETID",
  "CAP_FOWNER",
  "CAP_MKNOD",
  "CAP_NET_RAW",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETFCAP",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_SYS_CHROOT",
  "CAP_KILL",
  "CAP_AUDIT_WRITE",
];

/** Its number; throws for a name that the kernel does not have. */
export function capabilityNumber(name: string): number {
  const number = ALL_CAPABILITIES.indexOf(name);
  if (number === -1) throw new RangeError(`capability "${name}": no such capability`);
  return number;
}

/** The numbers as two 32-bit words, low first. */
export function capabilityWords(names: readonly string[]): readonly [number, number] {
  let [low, high] = [0, 0];
  for (const name of names) {
    const number = capabilityNumber(name);
    if (number < 32) low |= 1 << number;
    else high |= 1 << (number - 32);
  }
  return [low >>> 0, high >>> 0];
}

/** The bounding set that a process's `/proc/<pid>/status` tells. */
export function boundingSetOf(status: string): ReadonlySet<string> {
  const digits = /^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (digits === undefined) throw new Error("no CapBnd in a process's status");
  const bits = BigInt(`0x${digits}`);
  return new Set(ALL_CAPABILITIES.filter((_, number) => ((bits >> BigInt(number)) & 1n) === 1n));
}

/** Keeps of each of the container's sets what the test lets through. */
export function filterCapabilities(oci: OciConfig, isKept: (name: string) => boolean): OciConfig {
  const { capabilities } = oci.process;
  return {
    ...oci,
    process: {
      ...oci.process,
      capabilities: {
        bounding: capabilities.bounding.filter(isKept),
        effective: capabilities.effective.filter(isKept),
        permitted: capabilities.permitted.filter(isKept),
        inheritable: capabilities.inheritable.filter(isKept),
        ambient: capabilities.ambient.filter(isKept),
      },
    },
  };
}
