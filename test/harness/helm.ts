/** The real helm 4. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { helmBinary, type Outcome } from "./kubectl.ts";

const RUN_TIMEOUT_MS = 60_000;

export interface Helm {
  run(...args: readonly string[]): Promise<Outcome>;
  /** Gives its standard output; throws with its error text when it fails. */
  ok(...args: readonly string[]): Promise<string>;
}

export async function helm(kubeconfig: string, directory: string): Promise<Helm> {
  const binary = await helmBinary();
  const env = {
    ...process.env,
    KUBECONFIG: kubeconfig,
    HELM_CACHE_HOME: join(directory, "helm-cache"),
    HELM_CONFIG_HOME: join(directory, "helm-config"),
    HELM_DATA_HOME: join(directory, "helm-data"),
  };
  const run = (...args: readonly string[]): Promise<Outcome> =>
    new Promise((resolve) => {
      const options = { timeout: RUN_TIMEOUT_MS, maxBuffer: 64 << 20, env };
      execFile(binary, args, options, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
      );
    });
  return {
    run,
    ok: async (...args) => {
      const { code, stdout, stderr } = await run(...args);
      if (code !== 0) throw new Error(`helm ${args.join(" ")} (exit ${code}): ${stderr}${stdout}`);
      return stdout;
    },
  };
}
