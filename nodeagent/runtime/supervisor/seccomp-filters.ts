import { readFileSync } from "node:fs";
import type { OciConfig } from "../oci-config.ts";
import type { Architecture } from "../runner/machine-code.ts";
import { compileSeccomp } from "../seccomp/compile.ts";
import { DEFAULT_PROFILE } from "../seccomp/default-profile.ts";
import { parseOciProfile } from "../seccomp/oci-profile.ts";

/** A node runs a handful of different profiles and sets of capabilities; at about 5 kB each. */
const FILTERS_MAX = 64;

/** Compiled filters, kept by profile and capabilities: compiling takes longer than starting. */
export class SeccompFilters {
  readonly #architecture: Architecture;
  readonly #filters = new Map<string, Uint8Array>();

  constructor(architecture: Architecture) {
    this.#architecture = architecture;
  }

  filterFor(oci: OciConfig): Uint8Array | undefined {
    const { seccomp } = oci.linux;
    if (seccomp === "unconfined") return undefined;
    const capabilities = oci.process.capabilities.bounding;
    const source = seccomp === "default" ? "" : readFileSync(seccomp, "utf8");
    const key = `${source}\n${capabilities.toSorted().join()}`;
    const known = this.#filters.get(key);
    if (known !== undefined) return known;
    const profile = source === "" ? DEFAULT_PROFILE : parseOciProfile(source);
    const filter = compileSeccomp(profile, this.#architecture, new Set(capabilities));
    if (this.#filters.size >= FILTERS_MAX) this.#filters.clear();
    this.#filters.set(key, filter);
    return filter;
  }
}
