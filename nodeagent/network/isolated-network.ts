/** For tests with a real kernel: this process moves into network and mount namespaces of its own, that end with it. */
import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CLONE } from "../kernel/flags.ts";
import type { Kernel } from "../kernel/kernel.ts";
import * as libc from "../kernel/libc.ts";
import { linuxKernel } from "../kernel/linux.ts";
import type { NetworkKernel } from "./kernel-network.ts";
import { localNetworkKernel } from "./local-kernel.ts";
import { LOOPBACK_INDEX, setLink } from "./netlink/link.ts";
import { sendSteps } from "./netlink/send.ts";

/** Why the tests cannot run here; false when they can. */
export const CANNOT_ISOLATE = process.getuid?.() === 0 ? false : "needs root";

const COMMAND_MS = 10_000;

export interface IsolatedNetwork {
  readonly kernel: Kernel;
  readonly network: NetworkKernel;
  readonly dir: string;
  /** A process that stays in this network namespace. */
  readonly pid: number;
  /** Pins a new network namespace and says where. */
  addNamespace(name: string): string;
  /** A server that answers each request with `text`, listening in a namespace. */
  serve(netnsPath: string, port: number, text: string): Server;
  /** What a program prints that runs in a namespace. */
  run(netnsPath: string, command: string, ...args: readonly string[]): Promise<string>;
  close(): void;
}

export async function isolateNetwork(): Promise<IsolatedNetwork> {
  if (libc.unshare(CLONE.newNet | CLONE.newNs) !== 0) throw new Error("unshare is refused");
  const kernel = linuxKernel();
  // Else the pins would spread to the machine's own mounts.
  kernel.mount({ source: "none", target: "/", type: null, flags: 0x4_4000 });
  const network = localNetworkKernel(kernel);
  await sendSteps(network, [{ what: "lo", message: setLink(LOOPBACK_INDEX, { up: true }) }]);
  const dir = mkdtempSync(join(tmpdir(), "naru-network-"));
  const holder = spawn("sleep", ["300"], { stdio: "ignore" });
  const servers: Server[] = [];
  const pins: string[] = [];
  return {
    kernel,
    network,
    dir,
    pid: holder.pid ?? 0,
    addNamespace(name) {
      mkdirSync(join(dir, name));
      kernel.pinNamespaces(["net"], join(dir, name), () => {});
      pins.push(join(dir, name, "net"));
      return join(dir, name, "net");
    },
    serve(netnsPath, port, text) {
      const server = createServer((_request, response) => {
        response.setHeader("connection", "close");
        response.end(text);
      });
      servers.push(server);
      kernel.inNetwork(netnsPath, () => server.listen(port));
      return server;
    },
    run: (netnsPath, command, ...args) =>
      new Promise((resolve, reject) => {
        const all = [`--net=${netnsPath}`, command, ...args];
        execFile("nsenter", all, { timeout: COMMAND_MS }, (error, stdout) =>
          error === null ? resolve(stdout) : reject(error),
        );
      }),
    close() {
      holder.kill();
      for (const server of servers) server.close();
      for (const pin of pins) kernel.unmount(pin);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
