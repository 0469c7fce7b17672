import { systemClock } from "#lib/system-clock";
import { runtimeContract } from "./contract.ts";
import { FakeRuntime } from "./fake-runtime.ts";
import { defaultOciConfig } from "./oci-defaults.ts";
import type { ContainerConfig } from "./runtime.ts";
import { sandboxConfig } from "./test-node.ts";

function container(id: string, sandboxId: string, args: readonly string[]): ContainerConfig {
  return {
    id,
    sandboxId,
    name: id,
    attempt: 0,
    oci: defaultOciConfig({ args }),
    lowerDirs: [],
    limits: {},
    oomScoreAdj: 0,
    logPath: `/fake/${id}.log`,
    stdin: false,
    stdinOnce: false,
    tty: false,
  };
}

runtimeContract(
  "FakeRuntime",
  async () => ({
    runtime: new FakeRuntime({
      clock: systemClock,
      onStart: ({ oci }) => {
        const [command, code] = oci.process.args;
        if (command === "fail") return { failsWith: "exec: ENOENT", reason: "StartError" };
        if (command === "exit") return { exitsAfterMs: 1, exitCode: Number(code) };
        return undefined;
      },
    }),
    sandbox: (id) => sandboxConfig(id),
    sleeper: (id, sandboxId) => container(id, sandboxId, ["sleep"]),
    ender: (id, sandboxId, exitCode) => container(id, sandboxId, ["exit", String(exitCode)]),
    failing: (id, sandboxId) => container(id, sandboxId, ["fail"]),
  }),
  {},
);
