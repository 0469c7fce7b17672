import { UserError } from "../terminal.ts";

/** Containers, networks and cgroups need root. */
export function requireRoot(command: string): void {
  if (process.getuid?.() === 0) return;
  throw new UserError(
    `${command} makes network namespaces, mounts and cgroups, which needs root; run: sudo ${command}`,
  );
}
