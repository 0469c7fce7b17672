/** config.md, "Root" and "Mounts", and config-linux.md where it is about the file system. */
import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eachRuntime } from "./runtimes.ts";

eachRuntime("a read-only root cannot be written to", async (runtime) => {
  const { stdout } = await runtime.run("touch /file && echo written");
  assert.equal(stdout, "");
});

eachRuntime("a writable root can", async (runtime) => {
  const { stdout } = await runtime.run("touch /file && echo written", (config) => {
    config.root.readonly = false;
  });
  assert.equal(stdout, "written\n");
});

eachRuntime("mounts are made in their order", async (runtime) => {
  const { stdout } = await runtime.run("ls /data /data/inner; mount | grep -c /data", (config) => {
    config.root.readonly = false;
    const tmpfs = { type: "tmpfs", source: "tmpfs" };
    config.mounts.push(
      { destination: "/data", ...tmpfs },
      { destination: "/data/inner", ...tmpfs },
    );
  });
  assert.equal(stdout, "/data:\ninner\n\n/data/inner:\n2\n");
});

eachRuntime("options of a mount hold", async (runtime) => {
  const { stdout } = await runtime.run(
    "grep ' /data ' /proc/self/mountinfo; touch /data/x || echo refused",
    (config) => {
      config.root.readonly = false;
      config.mounts.push({
        destination: "/data",
        type: "tmpfs",
        source: "tmpfs",
        options: ["nosuid", "nodev", "noexec", "ro", "size=1m"],
      });
    },
  );
  assert.match(stdout, /ro,nosuid,nodev,noexec.*size=1024k/);
  assert.match(stdout, /refused/);
});

eachRuntime("a bind mount shows a directory or a file of the node's", async (runtime) => {
  const outside = runtime.bundle("true");
  mkdirSync(join(outside, "shared"));
  writeFileSync(join(outside, "shared/file"), "from outside\n");
  const { stdout } = await runtime.run(
    "cat /a/file /b; echo x > /a/new; echo x > /b && echo bad",
    (config) => {
      config.root.readonly = false;
      config.mounts.push(
        { destination: "/a", type: "bind", source: join(outside, "shared"), options: ["rbind"] },
        {
          destination: "/b",
          type: "none",
          source: join(outside, "shared/file"),
          options: ["bind", "ro"],
        },
      );
    },
  );
  assert.equal(stdout, "from outside\nfrom outside\n");
});

eachRuntime("the source of a bind mount may be relative to the bundle", async (runtime) => {
  const { stdout } = await runtime.run("ls /data", (config) => {
    config.mounts.push({
      destination: "/data",
      type: "bind",
      source: "rootfs/bin",
      options: ["bind"],
    });
    config.root.readonly = false;
  });
  assert.match(stdout, /busybox/);
});

eachRuntime("no link in the image leads a mount out", async (runtime) => {
  const outside = runtime.bundle("true");
  mkdirSync(join(outside, "target"));
  const bundle = runtime.bundle("ls -d /link/.; ls /proc/self/mountinfo > /dev/null", (config) => {
    config.root.readonly = false;
    config.mounts.push({ destination: "/link/inner", type: "tmpfs", source: "tmpfs" });
  });
  symlinkSync(`../../../../../../../..${join(outside, "target")}`, join(bundle, "rootfs/link"));
  await runtime.call(["run", "--bundle", bundle, "links"]);
  const { stdout } = await runtime.run("ls /t", (config) => {
    config.root.readonly = false;
    config.mounts.push({
      destination: "/t",
      type: "bind",
      source: join(outside, "target"),
      options: ["bind"],
    });
  });
  assert.equal(stdout, "", "the mount's directory was not made on the node");
});

eachRuntime("masked paths cannot be read, and read-only paths not be written", async (runtime) => {
  const { stdout } = await runtime.run(
    "cat /proc/kcore | head -c 1; ls /sys/firmware; echo 1 > /proc/sys/kernel/domainname || echo refused",
  );
  assert.equal(stdout, "refused\n");
});

eachRuntime("the specification's devices and links are there", async (runtime) => {
  const { stdout } = await runtime.run(
    "for d in null zero full random urandom tty; do test -c /dev/$d && echo $d; done; for l in fd stdin stdout stderr ptmx; do readlink /dev/$l; done",
  );
  assert.equal(
    stdout,
    "null\nzero\nfull\nrandom\nurandom\ntty\n/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\npts/ptmx\n",
  );
});

eachRuntime("further devices are made, and may be used", async (runtime) => {
  const { stdout } = await runtime.run(
    "stat -c '%F %t %T %a %u %g' /dev/mine; head -c 2 /dev/mine | wc -c",
    (config) => {
      config.linux.devices = [
        { path: "/dev/mine", type: "c", major: 1, minor: 5, fileMode: 0o600, uid: 1, gid: 2 },
      ];
    },
  );
  assert.match(stdout, /^character special file 1 5 600 1 2\n/);
});

eachRuntime("devices that are not allowed cannot be opened", async (runtime) => {
  const { stdout, stderr } = await runtime.run(
    "mknod /dev/other c 1 11 && cat /dev/other; echo $?",
    (config) => {
      for (const set of ["bounding", "effective", "permitted"])
        config.process.capabilities[set] = ["CAP_MKNOD"];
    },
  );
  assert.equal(stdout, "1\n");
  assert.match(stderr, /not permitted/);
});

eachRuntime(
  "root file system propagation is as it is asked for",
  async (runtime) => {
    for (const [asked, found] of [
      ["private", ""],
      ["shared", "shared:"],
    ] as const) {
      const { stdout } = await runtime.run(
        "while read id parent device root at rest; do test $at = / && echo $rest; done < /proc/self/mountinfo",
        (config) => {
          config.linux.rootfsPropagation = asked;
        },
      );
      assert.equal(stdout.includes("shared:"), found !== "", asked);
    }
  },
  { runc: "runc 1.1 sets it before pivot_root, which leaves the new root without it" },
);
