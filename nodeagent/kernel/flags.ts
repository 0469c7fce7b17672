/** Named bits of the kernel's interfaces. Each set names its header. */

/** linux/sched.h */
export const CLONE = {
  vm: 0x100,
  files: 0x400,
  vfork: 0x4000,
  parentSetTid: 0x10_0000,
  newNs: 0x2_0000,
  newCgroup: 0x200_0000,
  newUts: 0x400_0000,
  newIpc: 0x800_0000,
  newUser: 0x1000_0000,
  newPid: 0x2000_0000,
  newNet: 0x4000_0000,
  /** Only clone3: above 32 bits. */
  clearSigHand: 0x1_0000_0000,
} as const;

/** sys/mount.h, for mount(2) */
export const MS = {
  readOnly: 1,
  noSuid: 2,
  noDev: 4,
  noExec: 8,
  remount: 32,
  noAtime: 1024,
  noDirAtime: 2048,
  bind: 4096,
  recursive: 16384,
  private: 1 << 18,
  slave: 1 << 19,
  shared: 1 << 20,
  relAtime: 1 << 21,
  strictAtime: 1 << 24,
} as const;

/** linux/mount.h, for mount_setattr(2) */
export const MOUNT_ATTR = {
  readOnly: 1,
  noSuid: 2,
  noDev: 4,
  noExec: 8,
  atimeMask: 0x70,
  noAtime: 0x10,
  strictAtime: 0x20,
  noDirAtime: 0x80,
  noSymFollow: 0x20_0000,
} as const;

/** umount2(2) */
export const MNT_DETACH = 2;

/** linux/fcntl.h */
export const AT = { cwd: -100, removeDir: 0x200, emptyPath: 0x1000, recursive: 0x8000 } as const;

/** open_tree(2), move_mount(2) */
export const OPEN_TREE = { clone: 1, cloexec: 0x8_0000 } as const;
export const MOVE_MOUNT_FROM_EMPTY_PATH = 4;

/** fcntl.h; the same on x86-64 and arm64 for those used here. */
export const O = {
  readOnly: 0,
  writeOnly: 1,
  readWrite: 2,
  create: 0o100,
  noCtty: 0o400,
  append: 0o2000,
  nonBlock: 0o4000,
  cloexec: 0o2000000,
  path: 0o10000000,
} as const;

/** openat2(2) */
export const RESOLVE = { noMagicLinks: 2, noSymlinks: 4, beneath: 8, inRoot: 16 } as const;

/** linux/prctl.h */
export const PR = {
  setDumpable: 4,
  getDumpable: 3,
  setKeepCaps: 8,
  capBsetDrop: 24,
  setNoNewPrivs: 38,
  capAmbient: 47,
} as const;
export const PR_CAP_AMBIENT_RAISE = 2;

/** asm-generic/ioctls.h */
export const TIOC = {
  getAttributes: 0x5401,
  setAttributes: 0x5402,
  setControllingTty: 0x540e,
  setWindowSize: 0x5414,
  setPtyLock: 0x4004_5431,
  getPtyPeer: 0x5441,
  getPtyNumber: 0x8004_5430,
} as const;

/** fcntl(2) */
export const F = { setFd: 2, setPipeSize: 1031 } as const;

/** errno.h: the few that are tolerated somewhere. */
export const E = {
  perm: 1,
  noEnt: 2,
  access: 13,
  exist: 17,
  notDir: 20,
  inval: 22,
  noSys: 38,
  notEmpty: 39,
} as const;

/** linux/keyctl.h */
export const KEYCTL_JOIN_SESSION_KEYRING = 1;

/** unistd.h, for faccessat(2) */
export const X_OK = 1;

export const SIGKILL = 9;
export const SIGCHLD = 17;
