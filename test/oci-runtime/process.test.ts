/** config.md of the specification, "Process": what the program is given. */
import assert from "node:assert/strict";
import { eachRuntime } from "./runtimes.ts";

eachRuntime("args, env and cwd are the program's", async (runtime) => {
  const { stdout } = await runtime.run('echo "$0 $FOO"; pwd', (config) => {
    config.process.args.push("zero");
    config.process.env.push("FOO=bar baz");
    config.process.cwd = "/bin";
  });
  assert.equal(stdout, "zero bar baz\n/bin\n");
});

eachRuntime("user has ids, groups and umask", async (runtime) => {
  const { stdout } = await runtime.run(
    "id -u; id -g; grep Groups /proc/self/status; umask",
    (config) => {
      config.process.user = { uid: 1000, gid: 2000, additionalGids: [3000, 4000], umask: 0o77 };
    },
  );
  assert.match(stdout, /^1000\n2000\nGroups:\s+(2000 )?3000 4000 ?\n0077\n$/);
});

eachRuntime("capabilities are those that are named", async (runtime) => {
  const { stdout } = await runtime.run("grep Cap /proc/self/status");
  const word = "0000000020000420";
  for (const set of ["CapPrm", "CapEff", "CapBnd"])
    assert.match(stdout, new RegExp(`${set}:\\s+${word}`));
  assert.match(stdout, /CapAmb:\s+0000000000000000/);
});

eachRuntime("ambient capabilities outlive a change of user", async (runtime) => {
  const { stdout } = await runtime.run("grep -E 'CapEff|CapAmb' /proc/self/status", (config) => {
    config.process.user = { uid: 1000, gid: 1000 };
    config.process.capabilities.inheritable = ["CAP_KILL"];
    config.process.capabilities.ambient = ["CAP_KILL"];
  });
  assert.match(stdout, /CapEff:\s+0000000000000020\nCapAmb:\s+0000000000000020/);
});

eachRuntime("noNewPrivileges is set or not", async (runtime) => {
  for (const noNewPrivileges of [true, false]) {
    const { stdout } = await runtime.run("grep NoNewPrivs /proc/self/status", (config) => {
      config.process.noNewPrivileges = noNewPrivileges;
    });
    assert.match(stdout, new RegExp(`NoNewPrivs:\\s+${noNewPrivileges ? 1 : 0}`));
  }
});

eachRuntime("rlimits are the program's", async (runtime) => {
  const { stdout } = await runtime.run("grep 'open files' /proc/self/limits", (config) => {
    config.process.rlimits = [{ type: "RLIMIT_NOFILE", soft: 100, hard: 200 }];
  });
  assert.match(stdout, /Max open files\s+100\s+200/);
});

eachRuntime(
  "a limit that stands twice is an error",
  async (runtime) => {
    const { code } = await runtime.run("true", (config) => {
      const limit = { type: "RLIMIT_NOFILE", soft: 100, hard: 200 };
      config.process.rlimits = [limit, limit];
    });
    assert.notEqual(code, 0);
  },
  { runc: "runc lets the last one hold" },
);

eachRuntime("oomScoreAdj is the program's", async (runtime) => {
  const { stdout } = await runtime.run("cat /proc/self/oom_score_adj", (config) => {
    config.process.oomScoreAdj = 300;
  });
  assert.equal(stdout, "300\n");
});

eachRuntime("nothing but the standard streams is open", async (runtime) => {
  const { stdout } = await runtime.run("ls /proc/self/fd");
  // ls has its directory open.
  assert.equal(stdout, "0\n1\n2\n3\n");
});

eachRuntime("a program that is not there is an error of create", async (runtime) => {
  const { code, stderr } = await runtime.run("true", (config) => {
    config.process.args = ["/no/such/program"];
  });
  assert.notEqual(code, 0);
  assert.match(stderr, /no\/such\/program/);
});

eachRuntime("exec runs one more process in the container", async (runtime) => {
  const { id } = await runtime.create("sleep 100");
  await runtime.call(["start", id]);
  const { stdout } = await runtime.call([
    "exec",
    "--env",
    "A=b",
    "--cwd",
    "/bin",
    id,
    "sh",
    "-c",
    "echo $A; pwd; hostname; grep NoNew /proc/self/status; ls /proc/self/fd",
  ]);
  assert.match(stdout, /^b\n\/bin\nbox\nNoNewPrivs:\s+1\n0\n1\n2\n3\n$/);
  assert.equal((await runtime.call(["exec", id, "sh", "-c", "exit 9"])).code, 9);
  const groups = await runtime.call([
    "exec",
    "--user",
    "1000:2000",
    id,
    "sh",
    "-c",
    "id -u; id -g",
  ]);
  assert.equal(groups.stdout, "1000\n2000\n");
  const missing = await runtime.call(["exec", id, "no-such-program"]);
  assert.notEqual(missing.code, 0);
  assert.match(missing.stderr, /no-such-program/);
  await runtime.call(["delete", "--force", id]);
});

eachRuntime("exec takes a process as the specification has it", async (runtime) => {
  const { id } = await runtime.create("sleep 100");
  await runtime.call(["start", id]);
  const process = {
    args: ["sh", "-c", "cat; id -u"],
    cwd: "/",
    env: ["PATH=/bin"],
    user: { uid: 5, gid: 5 },
  };
  const { stdout } = await runtime.call(["exec", "--process", "/dev/stdin", id], {
    input: JSON.stringify(process),
  });
  assert.match(stdout, /5\n$/);
  await runtime.call(["delete", "--force", id]);
});

eachRuntime("exec is refused where nothing runs", async (runtime) => {
  const { id } = await runtime.create("true");
  await runtime.call(["start", id]);
  await runtime.becomes(id, "stopped");
  assert.notEqual((await runtime.call(["exec", id, "true"])).code, 0);
  await runtime.call(["delete", id]);
});

eachRuntime("ps shows the container's processes", async (runtime) => {
  const { id, pid } = await runtime.create("sleep 100 & sleep 100");
  await runtime.call(["start", id]);
  const { stdout } = await runtime.call(["ps", "--format", "json", id]);
  assert.ok((JSON.parse(stdout) as number[]).includes(pid));
  const shown = await runtime.call(["ps", id]);
  assert.match(shown.stdout, new RegExp(`PID[^]*\\b${pid}\\b`));
  await runtime.call(["delete", "--force", id]);
});

eachRuntime("descriptors of LISTEN_FDS and --preserve-fds are the program's", async (runtime) => {
  const bundle = runtime.bundle("echo $LISTEN_FDS $LISTEN_PID; cat <&3; cat <&4; ls /proc/self/fd");
  const { stdout, stderr } = await runtime.call(
    ["run", "--preserve-fds", "1", "--bundle", bundle, "fds"],
    {
      environment: { LISTEN_FDS: "1" },
      descriptors: ["first\n", "second\n"],
    },
  );
  assert.equal(stdout, "1 1\nfirst\nsecond\n0\n1\n2\n3\n4\n5\n", stderr);
});

eachRuntime("run connects the caller's terminal with the program's", async (runtime) => {
  const bundle = runtime.bundle("tty; echo done; exit 6", (config) => {
    config.process.terminal = true;
    config.process.consoleSize = { height: 20, width: 70 };
  });
  const { code, stdout } = await runtime.onTerminal(["run", "--bundle", bundle, "shown"]);
  assert.match(stdout, /\/dev\/(pts\/0|console)\r\ndone\r\n/);
  assert.equal(code, 6);
});

eachRuntime("exec connects it, too", async (runtime) => {
  const { id } = await runtime.create("sleep 100");
  await runtime.call(["start", id]);
  const { code, stdout } = await runtime.onTerminal([
    "exec",
    "--tty",
    id,
    "sh",
    "-c",
    "tty; exit 3",
  ]);
  assert.match(stdout, /\/dev\/(pts\/0|console)\r\n/);
  assert.equal(code, 3);
  await runtime.call(["delete", "--force", id]);
});
