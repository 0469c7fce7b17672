/**
 * The OCI runtime specification's config.json (v1.2), as far as it is acted on. Names and meaning are the
 * specification's: https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md
 */
export interface OciConfig {
  readonly process: OciProcess;
  readonly root: { readonly readonly: boolean };
  readonly hostname?: string;
  readonly mounts: readonly OciMount[];
  readonly linux: OciLinux;
}

export interface OciProcess {
  readonly terminal: boolean;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: {
    readonly uid: number;
    readonly gid: number;
    readonly additionalGids: readonly number[];
    readonly umask?: number;
  };
  readonly capabilities: {
    readonly bounding: readonly string[];
    readonly effective: readonly string[];
    readonly permitted: readonly string[];
    readonly inheritable: readonly string[];
    readonly ambient: readonly string[];
  };
  readonly rlimits: readonly {
    readonly type: string;
    readonly soft: number;
    readonly hard: number;
  }[];
  readonly noNewPrivileges: boolean;
}

export interface OciMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export interface OciLinux {
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  readonly devices: readonly OciDevice[];
  /** "default": Naru's own profile; "unconfined": none; else a profile file's path. */
  readonly seccomp: string;
  readonly rootfsPropagation?: "private" | "rslave" | "rshared" | "rprivate" | "shared" | "slave";
  readonly sysctl: Readonly<Record<string, string>>;
}

export interface OciDevice {
  readonly type: "b" | "c" | "p";
  readonly path: string;
  readonly major: number;
  readonly minor: number;
  readonly fileMode: number;
  readonly uid: number;
  readonly gid: number;
}
