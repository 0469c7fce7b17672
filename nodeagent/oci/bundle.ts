/** A bundle: a directory with config.json and what that names. */
import { readFileSync, statSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { checkDestinations } from "./destinations.ts";
import { ConfigError } from "./shape.ts";
import { type Spec, spec } from "./spec.ts";
import { checkSysctls } from "./sysctls.ts";

/** Of the specification: the major version is a promise, and anything before 1.0 was none. */
const MAJOR = 1;

export interface Bundle {
  /** Absolute. */
  readonly path: string;
  /** The root file system's directory, absolute. */
  readonly rootfs: string;
  readonly spec: Spec;
}

/** Throws ConfigError, which names the field. */
export function readBundle(directory: string): Bundle {
  const path = resolve(directory);
  const read = spec(parse(join(path, "config.json")), "");
  checkVersion(read.ociVersion);
  const rootfs = isAbsolute(read.root.path) ? read.root.path : join(path, read.root.path);
  if (statSync(rootfs, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new ConfigError("root.path", `${rootfs} is not a directory`);
  checkNamespaces(read);
  checkSysctls(read.linux);
  checkDestinations(rootfs, read);
  return { path, rootfs, spec: read };
}

function parse(file: string): unknown {
  let json: string;
  try {
    json = readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigError("", `${file} cannot be read: ${(error as Error).message}`);
  }
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new ConfigError("", `${file} is no JSON: ${(error as Error).message}`);
  }
}

function checkVersion(version: string): void {
  const [major] = /^\d+\.\d+\.\d+/.exec(version)?.[0].split(".") ?? [];
  if (Number(major) !== MAJOR)
    throw new ConfigError("ociVersion", `"${version}" is not a version 1 of the specification`);
}

function checkMappings({ gidMappings, namespaces, uidMappings }: Spec["linux"]): void {
  const user = namespaces.find(({ type }) => type === "user");
  if (user === undefined) {
    if (uidMappings.length + gidMappings.length > 0)
      throw new ConfigError("linux.uidMappings", "needs a user namespace in linux.namespaces");
    return;
  }
  if (namespaces.some(({ path }) => path !== undefined))
    throw new ConfigError(
      "linux.namespaces",
      "a user namespace together with namespaces by path is not built yet",
    );
  for (const [field, mappings] of Object.entries({ uidMappings, gidMappings })) {
    const has = mappings.some(({ containerID, size }) => containerID === 0 && size > 0);
    if (!has)
      throw new ConfigError(`linux.${field}`, "needs an entry with containerID 0, which sets up");
  }
}

function checkNamespaces({ hostname, domainname, linux }: Spec): void {
  const types = linux.namespaces.map(({ type }) => type);
  const twice = types.find((type, index) => types.indexOf(type) !== index);
  if (twice !== undefined) throw new ConfigError("linux.namespaces", `"${twice}" stands twice`);
  if (types.includes("time"))
    throw new ConfigError("linux.namespaces", "time namespaces are not built yet");
  checkMappings(linux);
  const mount = linux.namespaces.find(({ type }) => type === "mount");
  if (mount === undefined || mount.path !== undefined)
    throw new ConfigError("linux.namespaces", "a container needs a mount namespace of its own");
  const needsUts = hostname !== undefined || domainname !== undefined;
  if (needsUts && !types.includes("uts"))
    throw new ConfigError("hostname", "needs a uts namespace in linux.namespaces");
}
