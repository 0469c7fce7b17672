/** A container's control groups, in every hierarchy that is mounted. */
import { existsSync, readdirSync } from "node:fs";
import { hasCode } from "../kernel/syscall-error.ts";
import type { CgroupFiles } from "../runtime/cgroup/cgroup.ts";
import { makeGroup, readProcesses, removeGroup } from "../runtime/cgroup/group-files.ts";
import { type Hierarchy, parseHierarchies } from "../runtime/cgroup/hierarchies.ts";
import type { CgroupMount } from "../runtime/mount-calls.ts";
import { devicesV1, type ResourceWrite, writesV1, writesV2 } from "./resource-writes.ts";
import { ConfigError } from "./shape.ts";
import type { ResourcesSpec, Spec } from "./spec.ts";

/** Of containers that say no path, or a relative one. */
const BASE = "/naru-oci";

/** Where a container's group is below the hierarchies' roots. */
export function cgroupPathOf({ linux }: Spec, id: string): string {
  const { cgroupsPath } = linux;
  if (cgroupsPath === undefined || cgroupsPath === "") return `${BASE}/${id}`;
  if (/^[^/]*:[^/]*:/.test(cgroupsPath))
    throw new ConfigError(
      "linux.cgroupsPath",
      `"${cgroupsPath}" is for systemd; it is a path here`,
    );
  const path = cgroupsPath.startsWith("/") ? cgroupsPath : `${BASE}/${cgroupsPath}`;
  if (path.split("/").some((name) => name === ".." || name === "."))
    throw new ConfigError("linux.cgroupsPath", `"${cgroupsPath}" may not contain "." or ".."`);
  return path.replace(/\/+/g, "/").replace(/\/$/, "");
}

export class ContainerCgroup {
  readonly path: string;
  readonly #files: CgroupFiles;
  readonly #hierarchies: readonly Hierarchy[];

  constructor(files: CgroupFiles, path: string) {
    this.path = path;
    this.#files = files;
    const all = parseHierarchies(files.readText("/proc/self/mountinfo"));
    const legacy = all.filter(({ version }) => version === 1);
    // In the hybrid layout the controllers are in version 1.
    this.#hierarchies = legacy.length > 0 ? legacy : all;
  }

  get version(): 1 | 2 {
    return this.#hierarchies[0]?.version ?? 1;
  }

  /** Every process that writes "0" to each of these is in the group. */
  get entryFiles(): readonly string[] {
    // Not cgroup.procs of version 1: the kernel stops all forks of the machine to move a whole process.
    const file = this.version === 1 ? "tasks" : "cgroup.procs";
    return this.#directories.map((directory) => `${directory}/${file}`);
  }

  get #directories(): readonly string[] {
    return this.#hierarchies.map(({ path }) => path + this.path);
  }

  /** True if it has processes: then it is somebody else's. */
  get isInUse(): boolean {
    return this.processes().length > 0;
  }

  make(): void {
    for (const { path } of this.#hierarchies) makeGroup(this.#files, path, this.path);
    this.#inheritCpuset();
    if (this.version === 2) this.#handDownControllers();
  }

  limit(resources: ResourcesSpec | undefined, nodes: Spec["linux"]["devices"]): void {
    if (this.version === 2) {
      if (resources !== undefined) this.#write(writesV2(resources));
      return;
    }
    if (resources !== undefined) this.#write(writesV1(resources));
    this.#write(devicesV1(resources?.devices ?? [], nodes));
  }

  update(resources: ResourcesSpec): void {
    this.#write(this.version === 1 ? writesV1(resources) : writesV2(resources));
  }

  /** Those of the groups that it has made below, too. */
  processes(): readonly number[] {
    const all = this.#directories.flatMap((directory) =>
      withThoseBelow(directory).flatMap((each) => readProcesses(this.#files, each)),
    );
    return [...new Set(all)];
  }

  /** With the groups that it has made below. False while processes are in them. */
  remove(): boolean {
    const all = this.#directories.flatMap(withThoseBelow);
    return all.map((directory) => removeGroup(this.#files, directory)).every(Boolean);
  }

  /** Lets everything go on, whatever froze it. */
  thaw(): void {
    const file = this.#freezerFile;
    if (file === undefined) return;
    const name = file.slice(file.lastIndexOf("/"));
    for (const directory of withThoseBelow(file.slice(0, -name.length)).toReversed())
      this.#files.writeText(directory + name, this.version === 1 ? "THAWED" : "0");
  }

  freeze(isFrozen: boolean): void {
    const file = this.#freezerFile;
    if (file === undefined)
      throw new Error("the freezer controller is not mounted: containers cannot be paused here");
    const words = this.version === 1 ? ["FROZEN", "THAWED"] : ["1", "0"];
    this.#files.writeText(file, words[isFrozen ? 0 : 1] ?? "");
  }

  get isFrozen(): boolean {
    const file = this.#freezerFile;
    if (file === undefined || !existsSync(file)) return false;
    return /^(FROZEN|FREEZING|1)$/.test(this.#files.readText(file).trim());
  }

  /** What a container's own /sys/fs/cgroup is made of. */
  mounts(): readonly CgroupMount[] {
    return this.#hierarchies.map(({ path, controllers, version }) => ({
      name: version === 2 ? "" : path.slice(path.lastIndexOf("/") + 1),
      type: version === 2 ? "cgroup2" : "cgroup",
      data: controllers.map((name) => (name.startsWith("name=") ? `none,${name}` : name)).join(),
    }));
  }

  /** Its directory in each hierarchy, by the name under /sys/fs/cgroup. */
  directories(): readonly { readonly name: string; readonly path: string }[] {
    return this.#hierarchies.map(({ path }) => ({
      name: path.slice(path.lastIndexOf("/") + 1),
      path: path + this.path,
    }));
  }

  read(controller: string, file: string): string | undefined {
    const directory = this.#directoryOf(controller);
    try {
      return directory === undefined ? undefined : this.#files.readText(`${directory}/${file}`);
    } catch (error) {
      if (hasCode(error, "ENOENT", "EOPNOTSUPP", "ENOTSUP", "ENODEV")) return undefined;
      throw error;
    }
  }

  get #freezerFile(): string | undefined {
    const directory = this.#directoryOf("freezer");
    if (directory === undefined) return undefined;
    return `${directory}/${this.version === 1 ? "freezer.state" : "cgroup.freeze"}`;
  }

  #directoryOf(controller: string): string | undefined {
    const found = this.#hierarchies.find(
      ({ controllers, version }) => version === 2 || controllers.includes(controller),
    );
    return found && found.path + this.path;
  }

  #write(writes: readonly ResourceWrite[]): void {
    let later: ResourceWrite | undefined;
    for (const write of writes) {
      const directory = this.#directoryOf(write.controller);
      if (directory === undefined)
        throw new ConfigError(
          "linux.resources",
          `the ${write.controller} controller is not mounted`,
        );
      try {
        this.#files.writeText(`${directory}/${write.file}`, write.text);
      } catch (error) {
        // Memory may not be more than memory with swap, nor that less: whichever order is right depends on what was.
        const isMemory = /^memory\.(memsw\.)?limit_in_bytes$/.test(write.file);
        if (isMemory && later === undefined && hasCode(error, "EINVAL")) later = write;
        else throw explained(write, error);
      }
    }
    if (later !== undefined) this.#write([later]);
  }

  /** A group of version 1 without CPUs and memory nodes takes no process; they are handed down from above. */
  #inheritCpuset(): void {
    const root = this.#hierarchies.find(({ controllers }) => controllers.includes("cpuset"))?.path;
    if (root === undefined || this.version === 2) return;
    for (const file of ["cpuset.cpus", "cpuset.mems"]) {
      let above = root;
      for (const name of this.path.split("/").filter((each) => each !== "")) {
        const below = `${above}/${name}`;
        if (this.#files.readText(`${below}/${file}`).trim() === "")
          this.#files.writeText(
            `${below}/${file}`,
            this.#files.readText(`${above}/${file}`).trim(),
          );
        above = below;
      }
    }
  }

  #handDownControllers(): void {
    const root = this.#hierarchies[0]?.path ?? "";
    const available = this.#files.readText(`${root}/cgroup.controllers`).trim().split(" ");
    let at = root;
    for (const name of this.path.split("/").filter((each) => each !== "")) {
      for (const controller of available.filter((each) => each !== ""))
        this.#files.writeText(`${at}/cgroup.subtree_control`, `+${controller}`);
      at = `${at}/${name}`;
    }
  }
}

/** The lowest first; none when it is gone. */
function withThoseBelow(directory: string): readonly string[] {
  if (!existsSync(directory)) return [];
  const below = readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => withThoseBelow(`${directory}/${name}`));
  return [...below, directory];
}

function explained({ file, text }: ResourceWrite, error: unknown): Error {
  const why = hasCode(error, "ENOENT") ? "this kernel has no such file" : (error as Error).message;
  return new ConfigError("linux.resources", `${file} cannot be "${text}": ${why}`);
}
