import type { Architecture } from "../runtime/runner/machine-code.ts";
import { compileSeccomp } from "../runtime/seccomp/compile.ts";
import { parseOciProfile } from "../runtime/seccomp/oci-profile.ts";
import { ConfigError } from "./shape.ts";
import type { LinuxSpec } from "./spec.ts";

/** A seccomp filter as seccomp(2) takes it. */
export interface Filter {
  readonly instructions: Uint8Array;
  readonly flags: number;
}

/** linux/seccomp.h */
const FLAGS: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
};

export function filterOf(
  seccomp: LinuxSpec["seccomp"],
  architecture: Architecture,
  capabilities: readonly string[],
): Filter | undefined {
  if (seccomp === undefined) return undefined;
  const { flags, listenerPath } = seccomp;
  if (listenerPath !== undefined && listenerPath !== "")
    throw new ConfigError("linux.seccomp.listenerPath", "listeners are not built yet");
  const names = Array.isArray(flags) ? (flags as readonly string[]) : [];
  const bits = names.map((name) => {
    const bit = FLAGS[name];
    if (bit === undefined)
      throw new ConfigError("linux.seccomp.flags", `"${name}": not known to this runtime`);
    return bit;
  });
  try {
    const profile = parseOciProfile(JSON.stringify(seccomp));
    return {
      instructions: compileSeccomp(profile, architecture, new Set(capabilities)),
      flags: bits.reduce((sum, bit) => sum | bit, 0),
    };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ConfigError("linux.seccomp", error.message);
  }
}
