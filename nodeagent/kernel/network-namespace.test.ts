import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdtempSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { linuxKernel } from "./linux.ts";
import {
  createNetworkNamespace,
  removeNetworkNamespace,
  spawnInNetwork,
} from "./network-namespace.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";

test("spawnInNetwork() starts a program in a pinned namespace, and stays where it is", {
  skip,
}, async () => {
  const kernel = linuxKernel();
  const directory = mkdtempSync(join(tmpdir(), "naru-netns-"));
  const path = `${directory}/node1`;
  const own = readlinkSync("/proc/thread-self/ns/net");
  try {
    createNetworkNamespace(kernel, path);
    const child = spawnInNetwork(kernel, path, {
      file: "/bin/sh",
      args: ["-c", "readlink /proc/self/ns/net; ls /sys/class/net; echo $A"],
      options: { env: { A: "b", PATH: "/bin:/usr/bin" }, stdio: ["ignore", "pipe", "inherit"] },
    });
    let text = "";
    child.stdout?.on("data", (data: Buffer) => {
      text += data.toString();
    });
    const [code] = (await once(child, "close")) as [number];
    assert.equal(code, 0);
    assert.match(text, /^net:\[\d+\]\n/);
    assert.notEqual(text.split("\n")[0], own);
    assert.match(text, /b\n$/);
    assert.equal(readlinkSync("/proc/thread-self/ns/net"), own);
  } finally {
    removeNetworkNamespace(kernel, path);
    removeNetworkNamespace(kernel, path);
    assert.ok(!existsSync(path));
    rmSync(directory, { recursive: true });
  }
});
