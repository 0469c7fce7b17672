import { MOUNT_ATTR, MS } from "../kernel/flags.ts";

/** fstab's words, told apart by who wants them. */
export interface MountOptions {
  /** For mount(2). */
  readonly flags: number;
  /** For mount_setattr(2), on a bind mount: the same wishes. */
  readonly attributesSet: number;
  readonly attributesClear: number;
  /** Attributes for everything below, too: "rro". */
  readonly recursiveSet: number;
  readonly isRecursiveBind: boolean;
  readonly isBind: boolean;
  /** One of MS's; 0: none wished. */
  readonly propagation: number;
  readonly isPropagationRecursive: boolean;
  /** What only the file system understands. */
  readonly data: string;
}

interface Word {
  readonly flag?: number;
  readonly set?: number;
  readonly clear?: number;
}

const WORDS: Readonly<Record<string, Word>> = {
  ro: { flag: MS.readOnly, set: MOUNT_ATTR.readOnly },
  rw: { clear: MOUNT_ATTR.readOnly },
  nosuid: { flag: MS.noSuid, set: MOUNT_ATTR.noSuid },
  suid: { clear: MOUNT_ATTR.noSuid },
  nodev: { flag: MS.noDev, set: MOUNT_ATTR.noDev },
  dev: { clear: MOUNT_ATTR.noDev },
  noexec: { flag: MS.noExec, set: MOUNT_ATTR.noExec },
  exec: { clear: MOUNT_ATTR.noExec },
  noatime: { flag: MS.noAtime, set: MOUNT_ATTR.noAtime, clear: MOUNT_ATTR.atimeMask },
  relatime: { flag: MS.relAtime, clear: MOUNT_ATTR.atimeMask },
  strictatime: { flag: MS.strictAtime, set: MOUNT_ATTR.strictAtime, clear: MOUNT_ATTR.atimeMask },
  nodiratime: { flag: MS.noDirAtime, set: MOUNT_ATTR.noDirAtime },
  nosymfollow: { set: MOUNT_ATTR.noSymFollow },
  defaults: {},
};

const PROPAGATION: Readonly<Record<string, number>> = {
  private: MS.private,
  slave: MS.slave,
  shared: MS.shared,
};

export function parseMountOptions(type: string, options: readonly string[]): MountOptions {
  const wishes = options.filter((option) => option !== "bind" && option !== "rbind").map(wishOf);
  const spread = wishes.findLast(({ propagation }) => propagation !== undefined);
  return {
    flags: union(wishes.map(({ word }) => word?.flag)),
    attributesSet: union(wishes.map(({ word }) => word?.set)),
    attributesClear: union(wishes.map(({ word }) => word?.clear)),
    recursiveSet: union(wishes.map(({ recursive }) => recursive?.set)),
    propagation: spread?.propagation ?? 0,
    isPropagationRecursive: spread?.option.startsWith("r") === true,
    isBind: type === "bind" || options.includes("bind") || options.includes("rbind"),
    isRecursiveBind: options.includes("rbind"),
    data: wishes
      .filter(({ isKnown }) => !isKnown)
      .map(({ option }) => option)
      .join(","),
  };
}

interface Wish {
  readonly option: string;
  readonly isKnown: boolean;
  readonly word?: Word | undefined;
  readonly recursive?: Word | undefined;
  readonly propagation?: number | undefined;
}

function wishOf(option: string): Wish {
  const word = WORDS[option];
  if (word !== undefined) return { option, isKnown: true, word };
  const rest = option.startsWith("r") ? option.slice(1) : option;
  const recursive = rest === option ? undefined : WORDS[rest];
  if (recursive !== undefined) return { option, isKnown: true, recursive };
  const propagation = PROPAGATION[rest];
  return { option, isKnown: propagation !== undefined, propagation };
}

function union(bits: readonly (number | undefined)[]): number {
  return bits.reduce<number>((sum, bit) => sum | (bit ?? 0), 0);
}
