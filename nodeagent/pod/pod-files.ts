/** Where a pod's files are on the node, and what is written to them. */
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Pod } from "#proto/core/v1";
import type { VolumeKernel } from "../volumes/volume.ts";
import type { PodPaths } from "./deps.ts";
import { type DnsSettings, hostnameOf, hostsFile, resolvConf } from "./etc-files.ts";

export function podDirectory(paths: PodPaths, uid: string): string {
  return join(paths.pods, uid);
}

export function volumesDirectory(paths: PodPaths, uid: string): string {
  return join(paths.pods, uid, "volumes");
}

/** `<namespace>_<name>_<uid>/<container>/<attempt>.log`, as kubelet has it. */
export function podLogDirectory(paths: PodPaths, pod: Pod): string {
  const { namespace, name, uid } = pod.metadata;
  return join(paths.logs, `${namespace}_${name}_${uid}`);
}

export function logPath(paths: PodPaths, pod: Pod, container: string, attempt: number): string {
  return join(podLogDirectory(paths, pod), container, `${attempt}.log`);
}

export function terminationLog(paths: PodPaths, uid: string, id: string): string {
  return join(podDirectory(paths, uid), "termination", id);
}

/** Any user of the container must be able to write it. */
export function makeTerminationLog(path: string): void {
  mkdirSync(join(path, ".."), { recursive: true, mode: 0o755 });
  if (existsSync(path)) return;
  writeFileSync(path, "");
  // A mode at creation goes through the umask.
  chmodSync(path, 0o666);
}

export interface EtcFiles {
  readonly hosts?: string;
  readonly hostname: string;
  readonly resolvConf: string;
}

/** With the node's network its own hosts file is right, unless the pod adds to it. */
export function writeEtcFiles(paths: PodPaths, pod: Pod, ip: string, dns: DnsSettings): EtcFiles {
  const directory = podDirectory(paths, pod.metadata.uid);
  mkdirSync(directory, { recursive: true, mode: 0o750 });
  const write = (name: string, text: string): string => {
    const path = join(directory, name);
    if (!existsSync(path)) writeFileSync(path, text, { mode: 0o644 });
    return path;
  };
  return {
    hosts: write("hosts", hostsFile(pod, ip, dns.clusterDomain)),
    hostname: write("hostname", `${hostnameOf(pod)}\n`),
    resolvConf: write("resolv.conf", resolvConf(pod, dns)),
  };
}

const SHM_BYTES = 64 * 1024 * 1024;

/** Shared memory that all containers of the pod see. */
export function makeShm(kernel: VolumeKernel, paths: PodPaths, uid: string): string {
  const path = join(volumesDirectory(paths, uid), ".shm");
  if (existsSync(path)) return path;
  mkdirSync(path, { recursive: true });
  kernel.mountTmpfs(path, { sizeBytes: SHM_BYTES, mode: 0o1777 });
  return path;
}
