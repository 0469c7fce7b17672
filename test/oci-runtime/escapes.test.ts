/** Ways out of a container that runtimes had, each by its number; what is planted is what an attacker would plant. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eachRuntime, naruTest, type OciRuntime } from "./runtimes.ts";

/** A bundle whose /dev is a directory that another container has filled. */
function withForeignDev(
  runtime: OciRuntime,
  script: string,
  links: Readonly<Record<string, string>>,
): string {
  const bundle = runtime.bundle(script, (config) => {
    const dev = config.mounts.findIndex(
      (mount: { destination: string }) => mount.destination === "/dev",
    );
    config.mounts[dev] = {
      destination: "/dev",
      type: "bind",
      source: "dev",
      options: ["rbind", "rw"],
    };
    config.linux.maskedPaths = ["/proc/keys", "/proc/kcore"];
  });
  const dev = join(bundle, "dev");
  mkdirSync(join(dev, "pts"), { recursive: true });
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(dev, name));
  return bundle;
}

naruTest("CVE-2025-31133: a /dev/null that is a link unmasks nothing", async (runtime) => {
  const bundle = withForeignDev(runtime, "cat /proc/keys; cat /proc/kcore | head -c 4", {
    null: "/proc/version",
  });
  const { stdout } = await runtime.call(["run", "--bundle", bundle, "unmask"]);
  assert.equal(stdout, "");
});

naruTest(
  "CVE-2025-52565: a /dev/console that is a link makes nothing writable",
  async (runtime) => {
    const before = readFileSync("/proc/sys/kernel/domainname", "utf8");
    const bundle = withForeignDev(
      runtime,
      "echo owned > /proc/sys/kernel/domainname; cat /proc/sys/kernel/domainname",
      {
        console: "/proc/sys/kernel/domainname",
      },
    );
    const { stdout } = await runtime.call(["run", "--bundle", bundle, "console"]);
    assert.doesNotMatch(stdout, /owned/);
    assert.equal(readFileSync("/proc/sys/kernel/domainname", "utf8"), before);
  },
);

eachRuntime(
  "CVE-2024-21626: no working directory of the node's can be entered by a descriptor",
  async (runtime) => {
    for (const descriptor of [3, 4, 5, 6, 7, 8, 9, 10]) {
      const { code, stdout } = await runtime.run(
        "pwd; ls ../../../../../../../etc/debian_version",
        (config) => {
          config.process.cwd = `/proc/self/fd/${descriptor}`;
        },
      );
      assert.ok(code !== 0 || !stdout.includes("debian_version"), `${descriptor}: ${stdout}`);
    }
  },
);

eachRuntime("CVE-2024-21626: nor by exec", async (runtime) => {
  const { id } = await runtime.create("sleep 100");
  await runtime.call(["start", id]);
  for (const descriptor of [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]) {
    const { stdout } = await runtime.call([
      "exec",
      "--cwd",
      `/proc/self/fd/${descriptor}`,
      id,
      "sh",
      "-c",
      "ls ../../../../../../../../etc/debian_version",
    ]);
    assert.doesNotMatch(stdout, /debian_version/, String(descriptor));
  }
  await runtime.call(["delete", "--force", id]);
});

naruTest(
  "CVE-2019-5736: the runtime's own program cannot be written to through /proc/self/exe",
  async (runtime) => {
    const script = "for p in /proc/[0-9]*; do echo bad > $p/exe; done 2>/dev/null; echo tried";
    const { id } = await runtime.create("sleep 100", (config) => {
      config.root.readonly = false;
    });
    await runtime.call(["start", id]);
    const node = readFileSync(process.execPath).subarray(0, 64);
    // The program that exec would be of is the runtime's own, by the link that every process has to itself.
    await runtime.call(["exec", id, "/proc/self/exe"]);
    const { stdout } = await runtime.call(["exec", id, "sh", "-c", script]);
    assert.match(stdout, /tried/);
    assert.deepEqual(readFileSync(process.execPath).subarray(0, 64), node);
    await runtime.call(["delete", "--force", id]);
  },
);

eachRuntime(
  "CVE-2021-30465: a mount's target that is a link stays in the root",
  async (runtime) => {
    const outside = runtime.bundle("true");
    mkdirSync(join(outside, "loot"));
    const bundle = runtime.bundle("mount | grep -c tmpfs", (config) => {
      config.root.readonly = false;
      config.mounts.push({ destination: "/escape/here", type: "tmpfs", source: "tmpfs" });
    });
    symlinkSync(
      "/../../../../../../../..".concat(join(outside, "loot")),
      join(bundle, "rootfs/escape"),
    );
    writeFileSync(join(outside, "loot/untouched"), "");
    await runtime.call(["run", "--bundle", bundle, "linked"]);
    assert.deepEqual((await runtime.call(["list", "--quiet"])).stdout, "");
    const mounts = readFileSync("/proc/self/mounts", "utf8");
    assert.ok(!mounts.includes(join(outside, "loot")), "nothing is mounted on the node");
  },
);

eachRuntime("CVE-2022-0811: a sysctl names nothing outside of /proc/sys", async (runtime) => {
  const { code } = await runtime.run("true", (config) => {
    config.linux.sysctl = { "net/../../../kernel.core_pattern": "x" };
  });
  assert.notEqual(code, 0);
  const two = await runtime.run("true", (config) => {
    config.linux.sysctl = { "kernel.shm_rmid_forced": "1+net.ipv4.ip_forward=0" };
  });
  assert.notEqual(two.code, 0);
});
