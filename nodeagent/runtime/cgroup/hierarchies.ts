/** A mounted cgroup file system. */
export interface Hierarchy {
  readonly version: 1 | 2;
  /** Its mount point. */
  readonly path: string;
  /** Version 1: "cpu", "cpuacct"; also "name=systemd". */
  readonly controllers: readonly string[];
}

/** Names that version 1 has as super block options. Other options there are not controllers. */
const NOT_CONTROLLERS = new Set(["rw", "ro", "xattr", "clone_children", "noprefix", "nodev"]);

/** From /proc/self/mountinfo; see proc(5). The first mount of each counts. */
export function parseHierarchies(mountinfo: string): readonly Hierarchy[] {
  const found = new Map<string, Hierarchy>();
  for (const line of mountinfo.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const path = before.split(" ")[4] ?? "";
    const [type = "", , options = ""] = after.split(" ");
    if (type === "cgroup2" && !found.has("2")) {
      found.set("2", { version: 2, path, controllers: [] });
    }
    if (type !== "cgroup") continue;
    const controllers = options
      .split(",")
      .filter((option) => !NOT_CONTROLLERS.has(option) && !option.startsWith("release_agent"));
    const key = controllers.join(",");
    if (!found.has(key)) found.set(key, { version: 1, path, controllers });
  }
  return [...found.values()];
}
