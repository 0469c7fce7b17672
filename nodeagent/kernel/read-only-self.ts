import { check } from "./check.ts";
import { AT, F, MOUNT_ATTR, OPEN_TREE } from "./flags.ts";
import * as libc from "./libc.ts";
import { SyscallError } from "./syscall-error.ts";

/** Of the generic table: the same numbers on x86-64 and arm64. */
const NR_OPEN_TREE = 428;
const NR_MOUNT_SETATTR = 442;
const MOUNT_ATTR_BYTES = 32;
const SIGNALS_MAX = 31;
const SIGKILL = 9;
const SIGSTOP = 19;

/**
 * Becomes the same program anew, run from a read-only mount of it that nobody else sees. A container's process is this program until
 * it becomes its own: whoever gets hold of it through /proc/self/exe then cannot write to it (CVE-2019-5736).
 * `kept`: how many descriptors from 3 on stay open.
 */
export function becomeReadOnly(
  program: string,
  args: readonly string[],
  env: readonly string[],
  kept: number,
): never {
  const path = Buffer.from(`${program}\0`);
  const clone = OPEN_TREE.clone | OPEN_TREE.cloexec;
  const tree = libc.syscall(NR_OPEN_TREE, AT.cwd, libc.addressOf(path), clone, 0, 0);
  check("open_tree", tree, program);
  const attributes = Buffer.alloc(MOUNT_ATTR_BYTES);
  attributes.writeBigUInt64LE(BigInt(MOUNT_ATTR.readOnly), 0);
  const empty = Buffer.alloc(1);
  const given = [libc.addressOf(empty), AT.emptyPath, libc.addressOf(attributes)] as const;
  const set = libc.syscall(NR_MOUNT_SETATTR, tree, ...given, MOUNT_ATTR_BYTES);
  check("mount_setattr", set, program);
  for (let number = 1; number <= SIGNALS_MAX; number++)
    if (number !== SIGKILL && number !== SIGSTOP) libc.signal(number, 0);
  for (let descriptor = 0; descriptor < 3 + kept; descriptor++) libc.fcntl(descriptor, F.setFd, 0);
  libc.execveat(tree, "", [...args, null], [...env, null], AT.emptyPath);
  throw new SyscallError("execveat", libc.errno(), program);
}
