/** Personality, CPU scheduling, I/O priority and CPU affinity of a process: config.md, "Process". */
import type { Program, SystemCall } from "../runtime/system-call.ts";
import { ConfigError } from "./shape.ts";
import type { LinuxSpec, ProcessSpec } from "./spec.ts";

/** linux/sched.h */
const POLICIES = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
} as const;
const SCHED_FLAGS: Readonly<Record<string, number>> = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
};
/** struct sched_attr, as of its first version. */
const SCHED_ATTR_BYTES = 48;

/** linux/ioprio.h */
const IO_CLASSES = { IOPRIO_CLASS_RT: 1, IOPRIO_CLASS_BE: 2, IOPRIO_CLASS_IDLE: 3 } as const;
const IO_CLASS_SHIFT = 13;
const IOPRIO_WHO_PROCESS = 1;

/** linux/personality.h */
const DOMAINS = { LINUX: 0, LINUX32: 8 } as const;

const CPUS_MAX = 1024;

export function schedulingCalls(
  process: Pick<ProcessSpec, "execCPUAffinity" | "ioPriority" | "scheduler">,
  personality: LinuxSpec["personality"],
): Program {
  const calls: SystemCall[] = [];
  if (personality !== undefined) {
    if (personality.flags.length > 0)
      throw new ConfigError("linux.personality.flags", "the specification has none yet");
    const { domain } = personality;
    calls.push({ call: "personality", args: [DOMAINS[domain]], what: `personality ${domain}` });
  }
  if (process.scheduler !== undefined) calls.push(schedulerCall(process.scheduler));
  if (process.ioPriority !== undefined) {
    const { class: name, priority } = process.ioPriority;
    const value = (IO_CLASSES[name] << IO_CLASS_SHIFT) | priority;
    calls.push({ call: "ioprio_set", args: [IOPRIO_WHO_PROCESS, 0, value], what: "I/O priority" });
  }
  return calls;
}

function schedulerCall(scheduler: NonNullable<ProcessSpec["scheduler"]>): SystemCall {
  const { policy, nice, priority, flags, runtime, deadline, period } = scheduler;
  const bits = flags.map((name) => {
    const bit = SCHED_FLAGS[name];
    if (bit === undefined)
      throw new ConfigError("process.scheduler.flags", `"${name}": no such flag`);
    return bit;
  });
  const attributes = Buffer.alloc(SCHED_ATTR_BYTES);
  attributes.writeUInt32LE(SCHED_ATTR_BYTES, 0);
  attributes.writeUInt32LE(POLICIES[policy], 4);
  attributes.writeBigUInt64LE(BigInt(bits.reduce((sum, bit) => sum | bit, 0)), 8);
  attributes.writeInt32LE(nice, 16);
  attributes.writeUInt32LE(priority, 20);
  attributes.writeBigUInt64LE(BigInt(runtime), 24);
  attributes.writeBigUInt64LE(BigInt(deadline), 32);
  attributes.writeBigUInt64LE(BigInt(period), 40);
  return { call: "sched_setattr", args: [0, attributes, 0], what: `scheduler ${policy}` };
}

/** The CPUs of a list as "0-2,7", for sched_setaffinity(2). `field`: where it stands, for errors. */
export function affinityCalls(cpus: string | undefined, field: string): Program {
  if (cpus === undefined || cpus === "") return [];
  const mask = Buffer.alloc(CPUS_MAX / 8);
  for (const range of cpus.split(",")) {
    const [, first, last = first] = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(range) ?? [];
    if (first === undefined || Number(last) >= CPUS_MAX || Number(last) < Number(first))
      throw new ConfigError(field, `"${cpus}" is no list of CPUs, as "0-2,7"`);
    for (let cpu = Number(first); cpu <= Number(last); cpu++)
      mask[cpu >> 3] = (mask[cpu >> 3] ?? 0) | (1 << (cpu & 7));
  }
  return [{ call: "sched_setaffinity", args: [0, mask.length, mask], what: `run on CPUs ${cpus}` }];
}
