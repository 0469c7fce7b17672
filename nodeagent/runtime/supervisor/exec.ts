import { SIGKILL } from "../../kernel/flags.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { hasCode } from "../../kernel/syscall-error.ts";
import { execProgram } from "../exec-program.ts";
import type { ExecConfig, ExecProcess } from "../runtime.ts";
import { ByteQueue } from "./byte-queue.ts";
import { type Children, exitOf } from "./children.ts";
import type { Container, ContainerDeps } from "./container.ts";
import { describeFailure } from "./describe-failure.ts";
import {
  type Reading,
  readDescriptor,
  type Writing,
  writePipe,
  writeTerminal,
} from "./endpoints.ts";

/** What one exec may have on its way to a slow client before its process has to wait. */
const OUTPUT_BYTES_MAX = 256 * 1024;

/** Both sides of a process's standard streams. */
interface ExecStreams {
  readonly stdio: readonly [number, number, number];
  readonly given: readonly number[];
  readonly outputs: readonly {
    readonly descriptor: number;
    readonly stream: "stderr" | "stdout";
  }[];
  readonly stdin: number | undefined;
  readonly master: number | undefined;
}

/** Starts a command in a running container. It is our child: its exit code is lost if we crash. */
export async function execInContainer(
  deps: ContainerDeps,
  children: Children,
  container: Container,
  config: ExecConfig,
): Promise<ExecProcess> {
  const { state } = container;
  if (state?.at !== "running") throw new Error(`container ${container.config.id} is not running`);
  const { kernel, cgroups, filters } = deps;
  const { oci } = container;
  const { oomScoreAdj } = container.config;
  const descriptor = kernel.openProcess(state.pid);
  const streams = openExecStreams(kernel, config, state.pid);
  let pid: number;
  let exited: Promise<number>;
  try {
    const program = execProgram({
      process: {
        ...oci.process,
        args: config.command,
        terminal: config.tty,
        // Terminals of exec are xterms, as everywhere in Kubernetes, unless the image or pod says otherwise.
        env: config.tty ? ["TERM=xterm", ...oci.process.env] : oci.process.env,
      },
      cgroupEntries: cgroups.entryFiles(container.cgroup),
      container: descriptor,
      stdio: streams.stdio,
      filter: filters.filterFor(oci),
    });
    const spawned = kernel.spawn(program, { pidNamespaceOf: descriptor });
    pid = spawned.pid;
    exited = children.exited(pid);
    for (const given of streams.given) kernel.closeDescriptor(given);
    const { failure } = await spawned.done;
    if (failure !== undefined) {
      closeOurs(kernel, streams);
      throw new Error(describeFailure(failure));
    }
  } finally {
    kernel.closeDescriptor(descriptor);
  }
  inheritOomScore(kernel, pid, oomScoreAdj);
  return processOf(deps, { pid, exited, streams });
}

/** From outside: the child shared our memory, and what it had written would have held for us, too. */
function inheritOomScore(kernel: Kernel, pid: number, oomScoreAdj: number): void {
  try {
    kernel.writeText(`/proc/${pid}/oom_score_adj`, String(oomScoreAdj));
  } catch (error) {
    // It has ended already, or the score may not be lowered here.
    if (!hasCode(error, "ENOENT", "ESRCH", "EACCES")) throw error;
  }
}

function openExecStreams(kernel: Kernel, config: ExecConfig, containerPid: number): ExecStreams {
  if (config.tty) {
    const { master, slave } = kernel.openTerminal(containerPid);
    return { stdio: [slave, slave, slave], given: [slave], outputs: [], stdin: undefined, master };
  }
  const [outReading, outWriting] = kernel.pipe();
  const [errReading, errWriting] = kernel.pipe();
  const [inReading, inWriting] = config.stdin
    ? kernel.pipe()
    : [kernel.openReading("/dev/null"), undefined];
  return {
    stdio: [inReading, outWriting, errWriting],
    given: [inReading, outWriting, errWriting],
    outputs: [
      { descriptor: outReading, stream: "stdout" },
      { descriptor: errReading, stream: "stderr" },
    ],
    stdin: inWriting,
    master: undefined,
  };
}

function closeOurs(kernel: Kernel, streams: ExecStreams): void {
  for (const { descriptor } of streams.outputs) kernel.closeDescriptor(descriptor);
  if (streams.stdin !== undefined) kernel.closeDescriptor(streams.stdin);
  if (streams.master !== undefined) kernel.closeDescriptor(streams.master);
}

interface Started {
  readonly pid: number;
  /** Its status as wait(2) has it. */
  readonly exited: Promise<number>;
  readonly streams: ExecStreams;
}

function processOf(deps: ContainerDeps, { pid, exited, streams }: Started): ExecProcess {
  const { kernel, clock } = deps;
  const readings: Reading[] = [];
  const queue = new ByteQueue({
    bytesMax: OUTPUT_BYTES_MAX,
    onFull: () => {
      for (const reading of readings) reading.pause();
    },
    onRoom: () => {
      for (const reading of readings) reading.resume();
    },
  });
  const { master } = streams;
  const sources =
    master === undefined ? streams.outputs : [{ descriptor: master, stream: "stdout" as const }];
  for (const { descriptor, stream } of sources) {
    const isTerminal = master !== undefined;
    readings.push(readDescriptor(descriptor, isTerminal, (data) => queue.push({ stream, data })));
  }
  const stdin = openInput(streams, readings, clock);
  const ended = Promise.all(readings.map((reading) => reading.ended));
  void ended.then(() => queue.end());
  let isRunning = true;
  const exitCode = exited.then((status) => {
    isRunning = false;
    return exitOf(status).exitCode;
  });
  return {
    output: queue,
    exitCode,
    write: (data) => stdin?.write(data) ?? Promise.resolve(),
    closeStdin: () => stdin?.close(),
    resize: (width, height) => {
      if (master !== undefined && isRunning) kernel.resizeTerminal(master, width, height);
    },
    abort: () => {
      // It leads a session and process group of its own. The number is its own until we have waited for it.
      if (isRunning) kernel.signal(-pid, SIGKILL);
      for (const reading of readings) reading.close();
      queue.end();
    },
  };
}

function openInput(
  streams: ExecStreams,
  readings: readonly Reading[],
  clock: ContainerDeps["clock"],
): Writing | undefined {
  const { master, stdin } = streams;
  if (master !== undefined) {
    const hungUp = Promise.all(readings.map(({ ended }) => ended)).then(() => {});
    return writeTerminal(master, hungUp, clock);
  }
  return stdin === undefined ? undefined : writePipe(stdin);
}
