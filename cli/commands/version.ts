import { readFileSync } from "node:fs";
import type { Terminal } from "../terminal.ts";

/** The Kubernetes version whose API is served. */
const KUBERNETES = "v1.36";

export function version(terminal: Terminal): void {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const own = JSON.parse(text) as { readonly version: string };
  terminal.out(`naru ${own.version}\nKubernetes API ${KUBERNETES}\nNode ${process.version}\n`);
}
