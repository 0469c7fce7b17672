/** What the specification says, and what is looked up on the node for it, as the plan of a container's system calls. */
import { statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { CLONE } from "../kernel/flags.ts";
import { ALL_CAPABILITIES } from "../runtime/capabilities.ts";
import { DEFAULT_DEVICE_PATHS } from "../runtime/mount-calls.ts";
import { parseMountOptions } from "../runtime/mount-options.ts";
import type { OciDevice, OciMount, OciProcess } from "../runtime/oci-config.ts";
import type { Joined } from "../runtime/program.ts";
import type { Bundle } from "./bundle.ts";
import type { ContainerCgroup } from "./cgroup.ts";
import { ConfigError } from "./shape.ts";
import type { IdMapping, ProcessSpec, Spec } from "./spec.ts";

/** The namespaces that a container gets anew by clone3, as CLONE's bits. */
const CREATED = {
  pid: CLONE.newPid,
  network: CLONE.newNet,
  mount: CLONE.newNs,
  ipc: CLONE.newIpc,
  uts: CLONE.newUts,
  user: CLONE.newUser,
} as const;
const KINDS = { network: "net", ipc: "ipc", uts: "uts", cgroup: "cgroup" } as const;
/** A limit beyond what a JavaScript number holds exactly is none. */
const LIMIT_MAX = 2 ** 63;

export interface Namespaces {
  readonly created: number;
  readonly joined: readonly Joined[];
  /** A PID namespace is joined before the process is made. */
  readonly pidPath: string | undefined;
  readonly hasOwnCgroup: boolean;
  readonly hasOwnUser: boolean;
}

export function namespacesOf({ linux }: Spec): Namespaces {
  let created = 0;
  let hasOwnCgroup = false;
  let pidPath: string | undefined;
  const joined: Joined[] = [];
  for (const { type, path } of linux.namespaces) {
    if (type === "pid" && path !== undefined) pidPath = path;
    else if (path !== undefined && type in KINDS)
      joined.push({ kind: KINDS[type as keyof typeof KINDS], path });
    else if (type === "cgroup") hasOwnCgroup = true;
    else if (type in CREATED) created |= CREATED[type as keyof typeof CREATED];
  }
  const hasOwnUser = (created & CLONE.newUser) !== 0;
  return { created, joined, pidPath, hasOwnCgroup, hasOwnUser };
}

/** `granted`: our own bounding set, since nobody can give what he lacks; what falls away is told to `warn`. */
export function processOf(
  given: ProcessSpec,
  granted: ReadonlySet<string>,
  warn: (text: string) => void,
): OciProcess {
  const { capabilities, rlimits, user } = given;
  const has = (name: string): boolean => {
    if (!ALL_CAPABILITIES.includes(name))
      warn(`capability ${name}: this kernel has none of the name`);
    else if (!granted.has(name)) warn(`capability ${name} cannot be granted here`);
    return granted.has(name);
  };
  const { umask, ...ids } = user;
  return {
    terminal: given.terminal,
    args: given.args,
    env: given.env,
    cwd: given.cwd,
    user: umask === undefined ? ids : { ...ids, umask },
    capabilities: {
      bounding: capabilities.bounding.filter(has),
      effective: capabilities.effective.filter((name) => granted.has(name)),
      permitted: capabilities.permitted.filter((name) => granted.has(name)),
      inheritable: capabilities.inheritable.filter((name) => granted.has(name)),
      ambient: capabilities.ambient.filter((name) => granted.has(name)),
    },
    rlimits: checkLimits(rlimits),
    noNewPrivileges: given.noNewPrivileges,
  };
}

function checkLimits(rlimits: ProcessSpec["rlimits"]): OciProcess["rlimits"] {
  const types = rlimits.map(({ type }) => type);
  const twice = types.find((type, index) => types.indexOf(type) !== index);
  if (twice !== undefined) throw new ConfigError("process.rlimits", `"${twice}" stands twice`);
  const value = (limit: number): number => (limit >= LIMIT_MAX ? -1 : limit);
  return rlimits.map(({ type, soft, hard }) => ({ type, soft: value(soft), hard: value(hard) }));
}

/** Sources of bind mounts may be relative to the bundle. */
export function mountsOf(
  { path, spec }: Bundle,
  { hasOwnCgroup, joined }: Pick<Namespaces, "hasOwnCgroup" | "joined">,
  cgroup: Pick<ContainerCgroup, "directories" | "version">,
): readonly OciMount[] {
  const seesOwnCgroup = hasOwnCgroup || joined.some(({ kind }) => kind === "cgroup");
  return spec.mounts.flatMap((given) => {
    const mount = mountOf(path, given);
    return mount.type === "cgroup" && !seesOwnCgroup ? ownGroups(mount, cgroup) : [mount];
  });
}

function mountOf(bundle: string, given: Spec["mounts"][number]): OciMount {
  const { destination, type, source, options } = given;
  const unknown = options.find((option) => NOT_BUILT.has(option));
  if (unknown !== undefined)
    throw new ConfigError(`mount on ${destination}`, `the option "${unknown}" is not built yet`);
  // Relative ones were allowed before 1.1, and mean the root.
  const mount = { destination: isAbsolute(destination) ? destination : `/${destination}`, type };
  if (!parseMountOptions(type, options).isBind) return { ...mount, source, options };
  const isSaid = options.includes("bind") || options.includes("rbind");
  return {
    ...mount,
    source: isAbsolute(source) ? source : join(bundle, source),
    options: isSaid ? options : [...options, "bind"],
  };
}

/** Words that look like options of the file system, and are the runtime's to act on. */
const NOT_BUILT: ReadonlySet<string> = new Set([
  "copy-symlink",
  "idmap",
  "ridmap",
  "src-nofollow",
  "tmpcopyup",
]);

/** Without a cgroup namespace a mount of the hierarchies would show everybody's groups: its own are bound there instead. */
function ownGroups(
  { destination, options }: OciMount,
  cgroup: Pick<ContainerCgroup, "directories" | "version">,
): readonly OciMount[] {
  const bound = (path: string, to: string): OciMount => ({
    destination: to,
    type: "bind",
    source: path,
    options: ["bind", ...options],
  });
  const own = cgroup.directories();
  if (cgroup.version === 2) return own.map(({ path }) => bound(path, destination));
  const tmpfs = {
    destination,
    type: "tmpfs",
    source: "tmpfs",
    options: ["nosuid", "noexec", "nodev", "mode=755"],
  };
  return [tmpfs, ...own.map(({ name, path }) => bound(path, `${destination}/${name}`))];
}

export function devicesOf({ linux }: Spec): readonly OciDevice[] {
  return linux.devices.map((device) => ({
    ...device,
    // "u" is a character device whose reads are not buffered, which Linux does not tell apart.
    type: device.type === "u" ? "c" : device.type,
    fileMode: device.fileMode & 0o7777,
  }));
}

export function sourceKindsOf(
  mounts: readonly OciMount[],
): ReadonlyMap<string, "directory" | "file"> {
  const kinds = new Map<string, "directory" | "file">();
  for (const { destination, source, type, options } of mounts) {
    if (!parseMountOptions(type, options).isBind) continue;
    const found = statSync(source, { throwIfNoEntry: false });
    if (found === undefined)
      throw new ConfigError(`mount on ${destination}`, `${source} does not exist`);
    kinds.set(source, found.isDirectory() ? "directory" : "file");
  }
  return kinds;
}

/** Nobody makes device nodes in a user namespace: the node's own are bound there. */
export function deviceMounts(devices: readonly OciDevice[]): readonly OciMount[] {
  const paths = [...DEFAULT_DEVICE_PATHS, ...devices.map(({ path }) => path)];
  return [...new Set(paths)].map((path) => ({
    destination: path,
    type: "bind",
    source: path,
    options: ["bind"],
  }));
}

/** The lines of /proc/PID/uid_map and gid_map; see user_namespaces(7). */
export function mapLines(mappings: readonly IdMapping[]): string {
  return mappings
    .map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`)
    .join("");
}
