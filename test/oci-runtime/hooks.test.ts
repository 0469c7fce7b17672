/** config.md, "POSIX-platform Hooks". */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eachRuntime } from "./runtimes.ts";

const KINDS = [
  "prestart",
  "createRuntime",
  "createContainer",
  "startContainer",
  "poststart",
  "poststop",
] as const;

/** A hook that writes its name and what it was told to a file of the node's. */
function hook(name: string, log: string, failing = false) {
  const script = `echo "${name} $0 $(/bin/cat)" >> ${log}${failing ? "; echo no such luck >&2; exit 3" : ""}`;
  return { path: "/bin/sh", args: ["sh", "-c", script, name], env: ["PATH=/bin:/usr/bin"] };
}

eachRuntime(
  "all six kinds are called, in their order, and told the state",
  async (runtime) => {
    const directory = runtime.bundle("true");
    const log = join(directory, "log");
    const { bundle, id } = await runtime.create("sleep 100", (config) => {
      config.root.readonly = false;
      config.mounts.push({
        destination: directory,
        type: "bind",
        source: directory,
        options: ["bind"],
      });
      config.hooks = Object.fromEntries(KINDS.map((kind) => [kind, [hook(kind, log)]]));
    });
    const lines = () => readFileSync(log, "utf8").trim().split("\n");
    assert.deepEqual(
      lines().map((line) => line.split(" ")[0]),
      ["prestart", "createRuntime", "createContainer"],
    );
    await runtime.call(["start", id]);
    await runtime.call(["delete", "--force", id]);
    assert.deepEqual(
      lines().map((line) => line.split(" ")[0]),
      [...KINDS],
    );
    const states = lines().map((line) => JSON.parse(line.slice(line.indexOf("{"))));
    for (const state of states) {
      assert.equal(state.id, id);
      assert.equal(state.bundle, bundle);
    }
    assert.deepEqual(states.map(({ status }) => status).slice(3), [
      "created",
      "running",
      "stopped",
    ]);
  },
  { runc: "runc calls poststart as part of create" },
);

eachRuntime(
  "a hook before the start that fails is an error of create, and leaves nothing",
  async (runtime) => {
    const directory = runtime.bundle("true");
    const log = join(directory, "log");
    const bundle = runtime.bundle("sleep 100", (config) => {
      config.hooks = { createRuntime: [hook("failing", log, true), hook("never", log)] };
    });
    const { code, stderr } = await runtime.call(["create", "--bundle", bundle, "hooked"]);
    assert.notEqual(code, 0);
    assert.match(stderr, /hook/);
    assert.equal(readFileSync(log, "utf8").split("\n").length, 2, "the next one was not called");
    assert.equal(await runtime.status("hooked"), "absent");
  },
);

eachRuntime(
  "a hook behind the end that fails is a warning",
  async (runtime) => {
    const directory = runtime.bundle("true");
    const log = join(directory, "log");
    const { id } = await runtime.create("true", (config) => {
      config.hooks = { poststop: [hook("failing", log, true), hook("next", log)] };
    });
    await runtime.call(["start", id]);
    await runtime.becomes(id, "stopped");
    assert.equal((await runtime.call(["delete", id])).code, 0);
    assert.equal(readFileSync(log, "utf8").trim().split("\n").length, 2);
  },
  { runc: "runc stops at the first that fails" },
);

eachRuntime("a hook has its time", async (runtime) => {
  const bundle = runtime.bundle("true", (config) => {
    config.hooks = {
      prestart: [{ path: "/bin/sleep", args: ["sleep", "50"], timeout: 1 }],
    };
  });
  const { code } = await runtime.call(["create", "--bundle", bundle, "timed"]);
  assert.notEqual(code, 0);
});

eachRuntime(
  "createContainer runs in the container's namespaces, with the node's root",
  async (runtime) => {
    const directory = runtime.bundle("true");
    const seen = join(directory, "seen");
    mkdirSync(join(directory, "out"));
    const { id, pid } = await runtime.create("sleep 100", (config) => {
      config.hooks = {
        createContainer: [
          {
            path: "/bin/sh",
            args: ["sh", "-c", `readlink /proc/self/ns/net > ${seen}`],
            env: ["PATH=/bin:/usr/bin"],
          },
        ],
      };
    });
    assert.ok(existsSync(seen));
    assert.notEqual(readFileSync(seen, "utf8"), "");
    writeFileSync(join(directory, "out/pid"), String(pid));
    const { stdout } = await runtime.call(["exec", id, "readlink", "/proc/self/ns/net"]);
    assert.equal(stdout, readFileSync(seen, "utf8"));
    await runtime.call(["delete", "--force", id]);
  },
);
