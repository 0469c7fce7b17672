/** From a pod's container and its image to what the runtime is given. Pure. */
import type { Capabilities, Container, Pod } from "#proto/core/v1";
import type { Image } from "../images/image-service.ts";
import { ALL_CAPABILITIES, DEFAULT_CAPABILITIES } from "../runtime/capabilities.ts";
import type { OciConfig, OciMount } from "../runtime/oci-config.ts";
import {
  DEFAULT_MASKED_PATHS,
  DEFAULT_MOUNTS,
  DEFAULT_READONLY_PATHS,
} from "../runtime/oci-defaults.ts";
import type { ContainerConfig } from "../runtime/runtime.ts";
import { ConfigError } from "./config-error.ts";
import { expand } from "./expand.ts";
import { containerLimits, oomScoreAdj } from "./limits.ts";
import { type AccountFiles, processUser } from "./user.ts";

export interface SpecInputs {
  readonly pod: Pod;
  readonly container: Container;
  readonly attempt: number;
  readonly image: Image;
  readonly environment: ReadonlyMap<string, string>;
  readonly accounts: AccountFiles;
  /** Of volumes, in the order of the container's volumeMounts. */
  readonly volumeMounts: readonly OciMount[];
  /** Host paths of the managed files. */
  readonly files: {
    readonly hosts?: string;
    readonly hostname: string;
    readonly resolvConf: string;
    readonly terminationLog: string;
    /** Where profiles of type Localhost are. */
    readonly seccompDir: string;
  };
  /** A tmpfs that the pod's containers share. */
  readonly shmPath?: string;
  readonly logPath: string;
  readonly nodeMemoryBytes: number;
}

export function containerId(pod: Pod, container: Pick<Container, "name">, attempt: number): string {
  return `${pod.metadata.uid}-${container.name}-${attempt}`;
}

export function containerConfig(inputs: SpecInputs): ContainerConfig {
  const { pod, container, attempt, image } = inputs;
  return {
    id: containerId(pod, container, attempt),
    sandboxId: pod.metadata.uid,
    name: container.name,
    attempt,
    oci: ociConfig(inputs),
    lowerDirs: image.layerDirs,
    limits: containerLimits(pod, container),
    oomScoreAdj: oomScoreAdj(pod, container, inputs.nodeMemoryBytes),
    logPath: inputs.logPath,
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    ...joinedPid(pod, container),
  };
}

/** An ephemeral container may look at another one's processes. */
function joinedPid(pod: Pod, { name }: Container): Pick<ContainerConfig, "joinsPidOf"> {
  const { ephemeralContainers = [] } = pod.spec;
  const target = ephemeralContainers.find((each) => each.name === name)?.targetContainerName ?? "";
  if (target === "") return {};
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status;
  const status = [...containerStatuses, ...initContainerStatuses].find(
    (each) => each.name === target,
  );
  const id = status?.state?.running && status.containerID?.replace(/^\w+:\/\//, "");
  if (id === undefined) throw new ConfigError(`target container "${target}" does not run`);
  return { joinsPidOf: id };
}

function ociConfig(inputs: SpecInputs): OciConfig {
  const { pod, container, image, environment } = inputs;
  const context = container.securityContext ?? {};
  const isPrivileged = context.privileged ?? false;
  const user = processUser(
    pod,
    container,
    { user: image.config.user, reference: container.image ?? "" },
    inputs.accounts,
  );
  const capabilities = capabilitiesOf(context.capabilities, isPrivileged);
  // A user that is not root keeps none of them over execve, as everywhere else.
  const held = user.uid === 0 ? capabilities : [];
  const isUnmasked = isPrivileged || context.procMount === "Unmasked";
  const workingDir = container.workingDir || image.config.workingDir || "/";
  return {
    process: {
      terminal: container.tty ?? false,
      args: argsOf(inputs),
      env: [...environment].map(([name, value]) => `${name}=${value}`),
      cwd: expand(workingDir, environment),
      user,
      capabilities: {
        bounding: capabilities,
        effective: held,
        permitted: held,
        inheritable: [],
        ambient: [],
      },
      rlimits: [],
      noNewPrivileges: !(context.allowPrivilegeEscalation ?? true) && !isPrivileged,
    },
    root: { readonly: context.readOnlyRootFilesystem ?? false },
    mounts: mountsOf(inputs, isPrivileged),
    linux: {
      maskedPaths: isUnmasked ? [] : DEFAULT_MASKED_PATHS,
      readonlyPaths: isUnmasked ? [] : DEFAULT_READONLY_PATHS,
      devices: [],
      seccomp: isPrivileged ? "unconfined" : seccompOf(pod, container, inputs.files.seccompDir),
      ...(hasBidirectional(container) ? { rootfsPropagation: "rshared" as const } : {}),
      sysctl: {},
    },
  };
}

function argsOf({ container, image, environment }: SpecInputs): readonly string[] {
  const { command = [], args = [] } = container;
  const { entrypoint, cmd } = image.config;
  const first = command.length > 0 ? command : entrypoint;
  // With a command of its own, the image's arguments do not fit any more.
  const rest = args.length > 0 ? args : command.length > 0 ? [] : cmd;
  const all = [
    ...first.map((each) => (command.length > 0 ? expand(each, environment) : each)),
    ...rest.map((each) => (args.length > 0 ? expand(each, environment) : each)),
  ];
  if (all.length > 0) return all;
  throw new ConfigError(
    `container "${container.name}" has no command, and image "${container.image}" has none either`,
    "CreateContainerError",
  );
}

export function capabilitiesOf(
  wanted: Capabilities | undefined,
  isPrivileged: boolean,
): readonly string[] {
  if (isPrivileged) return ALL_CAPABILITIES;
  const names = (list: readonly string[] | undefined): ReadonlySet<string> =>
    new Set((list ?? []).map((name) => (name === "ALL" ? name : fullName(name))));
  const [add, drop] = [names(wanted?.add), names(wanted?.drop)];
  const base = drop.has("ALL") ? [] : add.has("ALL") ? ALL_CAPABILITIES : DEFAULT_CAPABILITIES;
  const unknown = [...add].find((name) => name !== "ALL" && !ALL_CAPABILITIES.includes(name));
  if (unknown !== undefined) {
    throw new ConfigError(`unknown capability "${unknown}"`, "CreateContainerError");
  }
  return ALL_CAPABILITIES.filter(
    (name) =>
      add.has(name) ||
      (add.has("ALL") && !drop.has(name)) ||
      (base.includes(name) && !drop.has(name)),
  );
}

function fullName(name: string): string {
  const upper = name.toUpperCase();
  return upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
}

function seccompOf(pod: Pod, container: Container, directory: string): string {
  const profile =
    container.securityContext?.seccompProfile ?? pod.spec.securityContext?.seccompProfile;
  if (profile?.type === "Unconfined") return "unconfined";
  if (profile?.type !== "Localhost") return "default";
  const file = profile.localhostProfile ?? "";
  if (file === "" || file.startsWith("/") || file.split("/").includes("..")) {
    throw new ConfigError(
      `seccompProfile.localhostProfile "${file}" is not a path below the profiles`,
    );
  }
  return `${directory}/${file}`;
}

function mountsOf(inputs: SpecInputs, isPrivileged: boolean): readonly OciMount[] {
  const { pod, container, files, volumeMounts, shmPath } = inputs;
  const bind = (source: string, destination: string): OciMount => ({
    destination,
    type: "bind",
    source,
    options: ["rbind", "rprivate", "rw"],
  });
  const isReadOnly = container.securityContext?.readOnlyRootFilesystem ?? false;
  const managed = [
    ...(files.hosts === undefined ? [] : [bind(files.hosts, "/etc/hosts")]),
    bind(files.hostname, "/etc/hostname"),
    bind(files.resolvConf, "/etc/resolv.conf"),
    bind(files.terminationLog, container.terminationMessagePath ?? "/dev/termination-log"),
  ].map((mount) =>
    isReadOnly && mount.source !== files.terminationLog
      ? { ...mount, options: ["rbind", "rprivate", "ro"] }
      : mount,
  );
  const taken = new Set(volumeMounts.map(({ destination }) => destination));
  const base = DEFAULT_MOUNTS.map((mount): OciMount => {
    if (mount.destination === "/dev/shm" && shmPath !== undefined) return bind(shmPath, "/dev/shm");
    const isSystem = mount.destination === "/sys" || mount.destination === "/sys/fs/cgroup";
    if (isPrivileged && isSystem) {
      return { ...mount, options: mount.options.filter((option) => option !== "ro") };
    }
    // sysfs shows the network namespace it is mounted in, which with the node's own is not ours to mount.
    if (pod.spec.hostNetwork === true && mount.destination === "/sys") {
      return {
        destination: "/sys",
        type: "bind",
        source: "/sys",
        options: ["rbind", "ro", "nosuid", "noexec", "nodev"],
      };
    }
    return mount;
  });
  const all = [...base, ...managed].filter(({ destination }) => !taken.has(destination));
  // Parents before what is mounted inside them.
  const sorted = volumeMounts.toSorted((a, b) => depth(a.destination) - depth(b.destination));
  return [...all, ...sorted];
}

function depth(path: string): number {
  return path.split("/").length;
}

function hasBidirectional(container: Container): boolean {
  return container.volumeMounts?.some((each) => each.mountPropagation === "Bidirectional") === true;
}
