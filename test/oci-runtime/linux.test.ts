/** config-linux.md: namespaces, control groups, sysctl, seccomp. */
import assert from "node:assert/strict";
import { readFileSync, readlinkSync, statSync } from "node:fs";
import { mustRun } from "../harness/run.ts";
import { type Config, eachRuntime } from "./runtimes.ts";

const KINDS = { pid: "pid", network: "net", ipc: "ipc", uts: "uts", mount: "mnt" } as const;

eachRuntime("a namespace that is named is the container's own", async (runtime) => {
  const { id, pid } = await runtime.create("sleep 100");
  for (const file of Object.values(KINDS))
    assert.notEqual(readlinkSync(`/proc/${pid}/ns/${file}`), readlinkSync(`/proc/self/ns/${file}`));
  await runtime.call(["delete", "--force", id]);
});

eachRuntime("a namespace that is not named is the node's", async (runtime) => {
  const { id, pid } = await runtime.create("sleep 100", (config) => {
    config.linux.namespaces = [{ type: "mount" }, { type: "uts" }];
  });
  for (const file of ["pid", "net", "ipc"])
    assert.equal(readlinkSync(`/proc/${pid}/ns/${file}`), readlinkSync(`/proc/self/ns/${file}`));
  await runtime.call(["delete", "--force", id]);
});

eachRuntime("a namespace with a path is joined", async (runtime) => {
  const first = await runtime.create("sleep 100");
  const second = await runtime.create("sleep 100", (config) => {
    config.hostname = undefined;
    config.linux.namespaces = [
      { type: "mount" },
      ...(["pid", "network", "ipc", "uts"] as const).map((type) => ({
        type,
        path: `/proc/${first.pid}/ns/${KINDS[type]}`,
      })),
    ];
  });
  for (const file of ["pid", "net", "ipc", "uts"])
    assert.equal(
      readlinkSync(`/proc/${second.pid}/ns/${file}`),
      readlinkSync(`/proc/${first.pid}/ns/${file}`),
    );
  for (const { id } of [second, first]) await runtime.call(["delete", "--force", id]);
});

eachRuntime("hostname and domainname are the container's own", async (runtime) => {
  const { stdout } = await runtime.run("hostname; cat /proc/sys/kernel/hostname", (config) => {
    config.hostname = "other";
  });
  assert.equal(stdout, "other\nother\n");
});

eachRuntime("sysctls are set in the container's namespaces", async (runtime) => {
  const { stdout } = await runtime.run(
    "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmni",
    (config) => {
      config.linux.sysctl = { "net.ipv4.ip_forward": "1", "kernel.shmmni": "99" };
    },
  );
  assert.equal(stdout, "1\n99\n");
});

eachRuntime("limits of control groups are written", async (runtime) => {
  const { id, bundle } = await runtime.create("sleep 100", (config) => {
    config.linux.resources.memory = {
      limit: 64 << 20,
      swap: 64 << 20,
      reservation: 32 << 20,
      swappiness: 10,
    };
    config.linux.resources.cpu = {
      shares: 512,
      quota: 50_000,
      period: 100_000,
      cpus: "0",
      mems: "0",
    };
    config.linux.resources.pids = { limit: 50 };
  });
  const path = cgroupOf(bundle);
  const read = (controller: string, file: string): string =>
    readFileSync(`/sys/fs/cgroup/${controller}${path}/${file}`, "utf8").trim();
  assert.equal(read("memory", "memory.limit_in_bytes"), String(64 << 20));
  assert.equal(read("memory", "memory.memsw.limit_in_bytes"), String(64 << 20));
  assert.equal(read("memory", "memory.soft_limit_in_bytes"), String(32 << 20));
  assert.equal(read("memory", "memory.swappiness"), "10");
  assert.equal(read("cpu", "cpu.shares"), "512");
  assert.equal(read("cpu", "cpu.cfs_quota_us"), "50000");
  assert.equal(read("cpuset", "cpuset.cpus"), "0");
  assert.equal(read("pids", "pids.max"), "50");
  await runtime.call(["delete", "--force", id]);
});

eachRuntime("update changes them while the container runs", async (runtime) => {
  const { id, bundle } = await runtime.create("sleep 100", (config) => {
    config.linux.resources.memory = { limit: 64 << 20, swap: 64 << 20 };
  });
  const path = cgroupOf(bundle);
  const more = { memory: { limit: 128 << 20, swap: 256 << 20 }, pids: { limit: 20 } };
  const { code, stderr } = await runtime.call(["update", "--resources", "-", id], {
    input: JSON.stringify(more),
  });
  assert.equal(code, 0, stderr);
  const read = (controller: string, file: string): string =>
    readFileSync(`/sys/fs/cgroup/${controller}${path}/${file}`, "utf8").trim();
  assert.equal(read("memory", "memory.limit_in_bytes"), String(128 << 20));
  assert.equal(read("memory", "memory.memsw.limit_in_bytes"), String(256 << 20));
  assert.equal(read("pids", "pids.max"), "20");
  assert.equal((await runtime.call(["update", "--pids-limit", "30", id])).code, 0);
  assert.equal(read("pids", "pids.max"), "30");
  await runtime.call(["delete", "--force", id]);
});

eachRuntime("events tells what a container uses", async (runtime) => {
  const { id } = await runtime.create("sleep 100");
  await runtime.call(["start", id]);
  const { stdout } = await runtime.call(["events", "--stats", id]);
  const { data, type } = JSON.parse(stdout) as {
    type: string;
    data: { cpu: { usage: { total: number } }; pids: { current: number } };
  };
  assert.equal(type, "stats");
  assert.ok(data.cpu.usage.total > 0);
  assert.ok(data.pids.current >= 1);
  await runtime.call(["delete", "--force", id]);
});

eachRuntime("a cgroup mount shows the container's own groups alone", async (runtime) => {
  const { stdout } = await runtime.run(
    "ls /sys/fs/cgroup/memory | grep -c naru-oci; cat /sys/fs/cgroup/pids/pids.max",
    (config) => {
      config.linux.resources.pids = { limit: 77 };
      config.mounts.push({
        destination: "/sys/fs/cgroup",
        type: "cgroup",
        source: "cgroup",
        options: ["nosuid", "noexec", "nodev", "relatime", "ro"],
      });
    },
  );
  assert.equal(stdout, "0\n77\n");
});

eachRuntime("seccomp refuses what the profile refuses", async (runtime) => {
  const { stdout } = await runtime.run("mkdir /tmp/x 2>&1; uname -s", (config) => {
    config.root.readonly = false;
    config.linux.seccomp = {
      defaultAction: "SCMP_ACT_ALLOW",
      architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
      syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 95 }],
    };
  });
  assert.match(stdout, /Operation not supported|Not supported/i);
  assert.match(stdout, /Linux\n$/);
});

eachRuntime(
  "personality is the program's",
  async (runtime) => {
    const { stdout } = await runtime.run("uname -m", (config) => {
      config.linux.personality = { domain: "LINUX32" };
    });
    assert.equal(stdout, "i686\n");
  },
  { runc: "runc 1.1 knows the field, and Debian's does not act on it" },
);

/** A container whose root is 100000 on the node. */
function mapped(config: Config): void {
  const mapping = { containerID: 0, hostID: 100_000, size: 1000 };
  config.linux.namespaces.push({ type: "user" }, { type: "cgroup" });
  config.linux.uidMappings = [mapping];
  config.linux.gidMappings = [mapping];
}

eachRuntime("a user namespace maps who is who", async (runtime) => {
  const bundle = runtime.bundle(
    "id -u; cat /proc/self/uid_map; grep CapEff /proc/self/status; echo x > /dev/null && touch /new && stat -c %u /new; hostname",
    (config) => {
      mapped(config);
      config.root.readonly = false;
    },
  );
  await mustRun(["chown", "-R", "100000:100000", `${bundle}/rootfs`]);
  const { stdout, stderr } = await runtime.call(["run", "--bundle", bundle, "mapped"]);
  assert.match(stdout, /^0\n\s+0\s+100000\s+1000\nCapEff:\s+0000000020000420\n0\nbox\n$/, stderr);
  assert.equal(statSync(`${bundle}/rootfs/new`).uid, 100_000);
});

eachRuntime("exec goes into the user namespace", async (runtime) => {
  const bundle = runtime.bundle("sleep 100", mapped);
  await mustRun(["chown", "-R", "100000:100000", `${bundle}/rootfs`]);
  assert.equal((await runtime.call(["run", "--detach", "--bundle", bundle, "inner"])).code, 0);
  const { stdout, stderr } = await runtime.call([
    "exec",
    "inner",
    "sh",
    "-c",
    "id -u; cat /proc/self/uid_map",
  ]);
  assert.match(stdout, /^0\n\s+0\s+100000\s+1000\n$/, stderr);
  await runtime.call(["delete", "--force", "inner"]);
});

function cgroupOf(bundle: string): string {
  const config = JSON.parse(readFileSync(`${bundle}/config.json`, "utf8"));
  return config.linux.cgroupsPath;
}
