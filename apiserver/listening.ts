/** A port that is taken is the commonest reason not to start; so who holds it is told. */
import { readdir, readFile, readlink } from "node:fs/promises";

export async function listening<T>(
  what: string,
  port: number,
  start: () => Promise<T>,
): Promise<T> {
  try {
    return await start();
  } catch (error) {
    if (!isTaken(error)) throw error;
    const holder = await holderOf(port);
    const by = holder === undefined ? "" : ` by ${holder}`;
    throw new Error(`${what} cannot listen on port ${port}: it is taken${by}`, { cause: error });
  }
}

function isTaken(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (error as NodeJS.ErrnoException).code === "EADDRINUSE" || /EADDRINUSE/.test(error.message);
}

const LISTEN_STATE = "0A";

/** `nginx (pid 123)`, as far as /proc tells us; undefined without the right to look. */
async function holderOf(port: number): Promise<string | undefined> {
  const inodes = new Set<string>();
  for (const file of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const line of (await readFile(file, "utf8").catch(() => "")).split("\n").slice(1)) {
      const [, local = "", , state, , , , , , inode] = line.trim().split(/\s+/);
      const number = Number.parseInt(local.split(":")[1] ?? "", 16);
      if (state === LISTEN_STATE && number === port && inode) inodes.add(`socket:[${inode}]`);
    }
  }
  return inodes.size === 0 ? undefined : processWith(inodes);
}

async function processWith(sockets: ReadonlySet<string>): Promise<string | undefined> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    // Processes come and go while we look, and others' are not ours to see.
    const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const file of files) {
      const target = await readlink(`/proc/${pid}/fd/${file}`).catch(() => "");
      if (!sockets.has(target)) continue;
      const name = (await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")).trim();
      return `${name} (pid ${pid})`;
    }
  }
  return undefined;
}
