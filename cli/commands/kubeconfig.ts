import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Terminal, UserError } from "../terminal.ts";

export async function kubeconfig(terminal: Terminal, dataDir: string): Promise<void> {
  const path = join(dataDir, "kubeconfig");
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EACCES") throw new UserError(`${path} may be read by root only; use sudo`);
    throw new UserError(`there is no cluster in ${dataDir}; start one with: naru up`);
  });
  terminal.out(text);
}
