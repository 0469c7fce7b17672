/** Ways out of a container that runtimes had, each by its number; what is planted is what an attacker would plant. */
import assert from "node:assert/strict";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { untilSo } from "./machine.ts";
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

naruTest(
  "CVE-2019-5736: an image's loader runs no runtime that could be written to",
  async (runtime) => {
    const bundle = runtime.bundle("true", (config) => {
      config.process.args = [
        "/bin/sh",
        "-c",
        "exec 9</proc/self/exe; readlink /proc/self/fd/9; (echo x >/proc/self/fd/9) 2>&1",
      ];
    });
    const node = readFileSync(process.execPath).subarray(0, 64);
    // The image's loader is a shell script: what the kernel makes of the runtime's program is run by it.
    mkdirSync(join(bundle, "rootfs/lib64"), { recursive: true });
    cpSync("/bin/busybox", join(bundle, "rootfs/lib64/ld-linux-x86-64.so.2"));
    const { id } = await runtime.create("sleep 100");
    await runtime.call(["start", id]);
    await runtime.call(["run", "--bundle", bundle, "loader"]);
    await runtime.call(["delete", "--force", id]);
    assert.deepEqual(readFileSync(process.execPath).subarray(0, 64), node);
  },
);

eachRuntime("without device rules there are no devices but the usual", async (runtime) => {
  const { stdout } = await runtime.run(
    "mknod /dev/mem c 1 1; cat /dev/mem > /dev/null && echo read; echo done",
    (config) => {
      config.linux.resources = {};
      for (const set of ["bounding", "effective", "permitted"])
        config.process.capabilities[set] = ["CAP_MKNOD"];
    },
  );
  assert.equal(stdout, "done\n");
});

eachRuntime("a sysctl of the whole node is refused", async (runtime) => {
  const { code, stderr } = await runtime.run("true", (config) => {
    config.linux.sysctl = {
      "vm.swappiness": readFileSync("/proc/sys/vm/swappiness", "utf8").trim(),
    };
  });
  assert.notEqual(code, 0);
  assert.match(stderr, /vm\.swappiness/);
});

eachRuntime("CVE-2019-19921: proc is not mounted behind a link", async (runtime) => {
  const bundle = runtime.bundle("true");
  rmSync(join(bundle, "rootfs/proc"), { recursive: true, force: true });
  symlinkSync("data", join(bundle, "rootfs/proc"));
  assert.notEqual((await runtime.call(["run", "--bundle", bundle, "behind"])).code, 0);
});

naruTest("in a user namespace no link leads a mount to the node's tree", async (runtime) => {
  const outside = runtime.bundle("true");
  const bundle = runtime.bundle("true", (config) => {
    config.root.readonly = false;
    config.linux.namespaces.push({ type: "user" });
    config.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 1 }];
    config.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 1 }];
    config.mounts.push({ destination: "/data/owned", type: "tmpfs", source: "tmpfs" });
  });
  symlinkSync(`/..${outside}`, join(bundle, "rootfs/data"));
  const { code, stderr } = await runtime.call(["run", "--bundle", bundle, "out"]);
  assert.notEqual(code, 0);
  assert.match(stderr, /is a link in the root file system/);
  assert.ok(!existsSync(join(outside, "owned")));
});

naruTest("what a killed create has left can be deleted", async (runtime) => {
  const bundle = runtime.bundle("true", (config) => {
    config.hooks = { createRuntime: [{ path: "/bin/sleep", args: ["sleep", "61"] }] };
  });
  const { linux } = JSON.parse(readFileSync(join(bundle, "config.json"), "utf8"));
  const killed = runtime.callAndKill(["create", "--bundle", bundle, "killed"]);
  const procs = `/sys/fs/cgroup/pids${linux.cgroupsPath}/cgroup.procs`;
  await untilSo(
    () => existsSync(procs) && readFileSync(procs, "utf8") !== "",
    "its process is there",
  );
  killed();
  assert.equal((await runtime.call(["delete", "--force", "killed"])).code, 0);
  assert.ok(!existsSync(`/sys/fs/cgroup/pids${linux.cgroupsPath}`));
  assert.equal(await runtime.status("killed"), "absent");
});
