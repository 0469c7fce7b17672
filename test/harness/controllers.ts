/** All controllers, in the test's process, on a test server; its nodes are simulated, in real time. */
import { Client, Informers, type Transport } from "#client";
import { silentLogger } from "#lib/logger";
import { systemClock } from "#lib/system-clock";
import { systemRandom } from "#lib/system-random";
import { startControllers } from "../../controllers/index.ts";
import { clientOfAccount } from "../../naru/accounts.ts";
import { SimulatedNodes } from "../simulation/simulated-nodes.ts";
import type { TestServer } from "./api-server.ts";

export async function startTestControllers(
  { server }: TestServer,
  nodeNames: readonly string[],
): Promise<AsyncDisposable> {
  const user = { name: "system:naru", groups: ["system:masters"] };
  const client = new Client(server.core.as(user) as unknown as Transport);
  const common = { client, clock: systemClock, random: systemRandom, logger: silentLogger };
  const informers = new Informers(common);
  const nodes = new SimulatedNodes({ client, clock: systemClock, informers });
  const actingAs = (account: string): Client => clientOfAccount(server, account);
  const controllers = startControllers({ ...common, informers, actingAs });
  await informers.start();
  for (const name of nodeNames) await nodes.add(name);
  return {
    [Symbol.asyncDispose]: async () => {
      nodes.close();
      await Promise.all([controllers.close(), informers.close()]);
    },
  };
}
