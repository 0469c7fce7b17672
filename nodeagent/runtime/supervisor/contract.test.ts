import { after } from "node:test";
import { runtimeContract } from "../contract.ts";
import { startTestNode, type TestNode, whyNoRuntimeTests } from "../test-node.ts";

const skip = whyNoRuntimeTests() ?? false;
const opened: { node: TestNode | undefined } = { node: undefined };

after(async () => {
  await opened.node?.remove();
});

runtimeContract(
  "SupervisorClient",
  async () => {
    const node = await startTestNode("contract");
    opened.node = node;
    return {
      runtime: node.client,
      sandbox: (id) => node.sandbox(id),
      sleeper: (id, sandboxId) => node.container(id, ["sleep", "100"], { sandboxId }),
      ender: (id, sandboxId, exitCode) =>
        node.container(id, ["sh", "-c", `exit ${exitCode}`], { sandboxId }),
      failing: (id, sandboxId) => node.container(id, ["nope"], { sandboxId }),
    };
  },
  { skip, timeout: 20_000 },
);
