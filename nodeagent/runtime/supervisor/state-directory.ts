/** Where the supervisor keeps what must outlive it. */
export interface StateDirectory {
  readonly path: string;
  readonly socket: string;
  readonly reaper: string;
  /** The root of a shared PID namespace's first process; holds nothing but it. */
  readonly initRoot: string;
  /**
   * A private mount in memory, for what means nothing after the machine's restart: pinned namespaces and FIFOs. What is
   * pinned below it is seen nowhere else.
   */
  readonly live: string;
  readonly namespaces: string;
  /** Where all roots are mounted, each in its own mount namespace. */
  readonly root: string;
  readonly sandboxes: string;
  readonly containers: string;
  /** What was removed, until its files are gone. */
  readonly trash: string;
  sandbox(id: string): SandboxPaths;
  container(id: string): ContainerPaths;
}

export interface SandboxPaths {
  readonly record: string;
  /** Directory of the pinned namespaces. */
  readonly namespaces: string;
  /** The reaper's file of the shared PID namespace's first process. */
  readonly initStatus: string;
}

export interface ContainerPaths {
  readonly directory: string;
  /** Directory of its FIFOs. */
  readonly live: string;
  readonly config: string;
  /** The reaper's file: 8 bytes at the start, 8 at the end. */
  readonly status: string;
  /** Written when it could not be started. */
  readonly failure: string;
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  /** A FIFO whose writing end the reaper holds: its end is the container's. */
  readonly alive: string;
  /** A FIFO that the reaper reads a byte from before it goes. */
  readonly release: string;
  readonly upper: string;
}

export function stateDirectory(path: string): StateDirectory {
  return {
    path,
    socket: `${path}/supervisor.sock`,
    reaper: `${path}/bin/reaper`,
    initRoot: `${path}/bin/init-root`,
    live: `${path}/live`,
    namespaces: `${path}/live/namespaces`,
    root: `${path}/root`,
    sandboxes: `${path}/sandboxes`,
    containers: `${path}/containers`,
    trash: `${path}/trash`,
    sandbox: (id) => {
      assertId(id);
      return {
        record: `${path}/sandboxes/${id}.json`,
        namespaces: `${path}/live/namespaces/${id}`,
        initStatus: `${path}/sandboxes/${id}.init`,
      };
    },
    container: (id) => {
      assertId(id);
      const directory = `${path}/containers/${id}`;
      const live = `${path}/live/containers/${id}`;
      return {
        directory,
        live,
        config: `${directory}/config.json`,
        status: `${directory}/status`,
        failure: `${directory}/failure.json`,
        stdin: `${live}/stdin`,
        stdout: `${live}/stdout`,
        stderr: `${live}/stderr`,
        alive: `${live}/alive`,
        release: `${live}/release`,
        upper: `${directory}/upper`,
      };
    },
  };
}

/** Ids become names of files and cgroups. */
function assertId(id: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,200}$/.test(id))
    throw new RangeError(`id "${id}": not a name`);
}
