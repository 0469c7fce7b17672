import type { Kernel } from "./kernel.ts";
import { SyscallError } from "./syscall-error.ts";

/** The part of a kernel that this fake has: the cgroup file systems. */
type CgroupKernel = Pick<
  Kernel,
  "list" | "makeDirectory" | "readText" | "removeDirectory" | "writeText"
>;

const ERRNO = { ENOENT: 2, EBUSY: 16, EEXIST: 17, EINVAL: 22 } as const;
const ROOT = "/sys/fs/cgroup";
const V1_CONTROLLERS = ["cpu", "cpuacct", "memory", "pids", "devices"];

/** Files of every version 2 group. */
const V2_CORE_FILES: Readonly<Record<string, string>> = {
  "cgroup.subtree_control": "",
  "cgroup.kill": "",
  "cpu.stat": "usage_usec 0",
};

/** The files that a controller gives a version 2 group, with what they say at first. */
const V2_FILES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  cpu: { "cpu.weight": "100", "cpu.max": "max 100000" },
  memory: {
    "memory.max": "max",
    "memory.current": "0",
    "memory.peak": "0",
    "memory.oom.group": "0",
    "memory.events": "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0",
    "memory.stat": "anon 0\nfile 0\ninactive_file 0",
  },
  pids: { "pids.max": "max", "pids.current": "0" },
};

const V1_FILES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  cpu: { "cpu.shares": "1024", "cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "-1" },
  cpuacct: { "cpuacct.usage": "0" },
  memory: {
    "memory.limit_in_bytes": "9223372036854771712",
    "memory.usage_in_bytes": "0",
    "memory.max_usage_in_bytes": "0",
    "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 0",
    "memory.stat": "total_inactive_file 0",
  },
  pids: { "pids.max": "max", "pids.current": "0" },
  devices: { "devices.allow": "", "devices.deny": "" },
};

interface Group {
  readonly files: Map<string, string>;
  readonly processes: Set<number>;
}

/** A second, small kernel: groups, what their files accept, and who is in them; by the kernel's documentation. */
export class FakeCgroupKernel implements CgroupKernel {
  readonly #version: 1 | 2;
  readonly #groups = new Map<string, Group>();

  constructor(version: 1 | 2) {
    this.#version = version;
    if (version === 2) this.#make(ROOT);
    else for (const controller of V1_CONTROLLERS) this.#make(`${ROOT}/${controller}`);
  }

  readText(path: string): string {
    if (path === "/proc/self/mountinfo") return mountinfo(this.#version);
    const group = this.#groupOf("open", path);
    const name = nameOf(path);
    if (name === "cgroup.procs") return [...group.processes].map((pid) => `${pid}\n`).join("");
    return `${group.files.get(name) ?? fail("open", "ENOENT", path)}\n`;
  }

  writeText(path: string, text: string): void {
    const group = this.#groupOf("open", path);
    const name = nameOf(path);
    if (!group.files.has(name)) fail("open", "ENOENT", path);
    if (name === "cgroup.subtree_control") this.#handDown(parentOf(path), group, text);
    else if (name === "cgroup.kill") group.processes.clear();
    else if (isLimit(name) && !/^(max|-?\d+)/.test(text)) fail("write", "EINVAL", path);
    else group.files.set(name, text);
  }

  makeDirectory(path: string): void {
    if (this.#groups.has(path)) fail("mkdir", "EEXIST", path);
    if (!this.#groups.has(parentOf(path))) fail("mkdir", "ENOENT", path);
    this.#make(path);
  }

  removeDirectory(path: string): void {
    const group = this.#groups.get(path) ?? fail("rmdir", "ENOENT", path);
    const isBusy = group.processes.size > 0 || this.#childrenOf(path).length > 0;
    if (isBusy) fail("rmdir", "EBUSY", path);
    this.#groups.delete(path);
  }

  list(path: string): readonly string[] {
    const group = this.#groups.get(path) ?? fail("scandir", "ENOENT", path);
    return [...group.files.keys(), "cgroup.procs", ...this.#childrenOf(path).map(nameOf)];
  }

  /** Puts a process into a group, as its own write of "0" to the file would. */
  enter(pid: number, entryFile: string): void {
    const group = this.#groupOf("open", entryFile);
    // "No Internal Process Constraint": a group that hands controllers down holds no processes.
    const handsDown = words(group.files.get("cgroup.subtree_control")).length > 0;
    if (handsDown && parentOf(entryFile) !== ROOT) fail("write", "EBUSY", entryFile);
    group.processes.add(pid);
  }

  /** Its process is gone. */
  exit(pid: number): void {
    for (const group of this.#groups.values()) group.processes.delete(pid);
  }

  /** The kernel's own word on a file: a counter that has risen. */
  set(path: string, text: string): void {
    this.#groupOf("open", path).files.set(nameOf(path), text);
  }

  #make(path: string): void {
    const own = this.#version === 2 ? V2_CORE_FILES : {};
    const group: Group = { files: new Map(Object.entries(own)), processes: new Set() };
    this.#groups.set(path, group);
    this.#addControllers(path, group);
  }

  #controllersOf(path: string): readonly string[] {
    if (this.#version === 1) return [path.slice(ROOT.length + 1).split("/")[0] ?? ""];
    if (path === ROOT) return Object.keys(V2_FILES);
    return words(this.#groups.get(parentOf(path))?.files.get("cgroup.subtree_control"));
  }

  #addControllers(path: string, group: Group): void {
    if (path === ROOT) return;
    const table = this.#version === 1 ? V1_FILES : V2_FILES;
    for (const controller of this.#controllersOf(path)) {
      for (const [file, text] of Object.entries(table[controller] ?? {})) {
        if (!group.files.has(file)) group.files.set(file, text);
      }
    }
  }

  /** cgroup-v2.rst, "Enabling and Disabling": only what is handed down to us, and not beside processes of our own. */
  #handDown(path: string, group: Group, text: string): void {
    const on = new Set(words(group.files.get("cgroup.subtree_control")));
    if (group.processes.size > 0 && path !== ROOT) fail("write", "EBUSY", path);
    for (const word of words(text)) {
      const controller = word.slice(1);
      if (!this.#controllersOf(path).includes(controller)) fail("write", "ENOENT", path);
      if (word.startsWith("+")) on.add(controller);
      else on.delete(controller);
    }
    group.files.set("cgroup.subtree_control", [...on].join(" "));
    for (const child of this.#childrenOf(path)) {
      const below = this.#groups.get(child);
      if (below !== undefined) this.#addControllers(child, below);
    }
  }

  #groupOf(call: string, file: string): Group {
    return this.#groups.get(parentOf(file)) ?? fail(call, "ENOENT", file);
  }

  #childrenOf(path: string): readonly string[] {
    return [...this.#groups.keys()].filter((other) => parentOf(other) === path);
  }
}

function fail(call: string, code: keyof typeof ERRNO, path: string): never {
  throw new SyscallError(call, ERRNO[code], path);
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function isLimit(name: string): boolean {
  return /\.(max|weight|shares|limit_in_bytes)$/.test(name);
}

function words(text: string | undefined): readonly string[] {
  return (text ?? "").split(" ").filter((word) => word !== "");
}

function mountinfo(version: 1 | 2): string {
  if (version === 2)
    return `30 20 0:26 / ${ROOT} rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n`;
  return V1_CONTROLLERS.map(
    (name, i) => `${30 + i} 20 0:${30 + i} / ${ROOT}/${name} rw - cgroup cgroup rw,${name}\n`,
  ).join("");
}
