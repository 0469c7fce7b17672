/** sysctl(8) names that belong to a namespace; every other one would be the node's. */
import { ConfigError } from "./shape.ts";
import type { LinuxSpec } from "./spec.ts";

const OF_NAMESPACES = [
  {
    type: "ipc",
    names:
      /^(kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)|fs\.mqueue\..+)$/,
  },
  { type: "network", names: /^net\..+$/ },
  { type: "uts", names: /^kernel\.(domainname|hostname)$/ },
] as const;

export function checkSysctls({
  namespaces,
  sysctl,
}: Pick<LinuxSpec, "namespaces" | "sysctl">): void {
  for (const name of Object.keys(sysctl)) {
    const dotted = name.includes("/") && !name.includes(".") ? name.replaceAll("/", ".") : name;
    const of = OF_NAMESPACES.find(({ names }) => names.test(dotted));
    if (of === undefined)
      throw new ConfigError("linux.sysctl", `"${name}" is of the whole node, not of a namespace`);
    if (!namespaces.some(({ type }) => type === of.type))
      throw new ConfigError("linux.sysctl", `"${name}" needs a ${of.type} namespace`);
  }
}
