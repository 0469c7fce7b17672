/** runtime.md of the specification: the states of a container, and what each operation may be asked in. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { untilSo } from "./machine.ts";
import { eachRuntime } from "./runtimes.ts";

eachRuntime(
  "a container is created, running and stopped, and then it can be deleted",
  async (runtime) => {
    const { id, pid, output } = await runtime.create("echo hello; sleep 100");
    assert.equal(await runtime.status(id), "created");
    assert.equal(output(), "", "the program has not begun");
    assert.equal((await runtime.call(["start", id])).code, 0);
    assert.equal(await runtime.status(id), "running");
    await untilSo(() => output() === "hello\n", "the program writes");
    assert.ok(existsSync(`/proc/${pid}`));
    assert.equal((await runtime.call(["kill", id, "KILL"])).code, 0);
    await runtime.becomes(id, "stopped");
    assert.equal((await runtime.call(["delete", id])).code, 0);
    assert.equal(await runtime.status(id), "absent");
  },
);

eachRuntime("state tells what the specification wants", async (runtime) => {
  const { bundle, id, pid } = await runtime.create("sleep 100", (config) => {
    config.annotations = { "com.example.key": "value" };
  });
  const state = JSON.parse((await runtime.call(["state", id])).stdout) as Record<string, unknown>;
  assert.match(String(state["ociVersion"]), /^1\.\d/);
  assert.equal(state["id"], id);
  assert.equal(state["status"], "created");
  assert.equal(state["pid"], pid);
  assert.equal(state["bundle"], bundle);
  assert.deepEqual(state["annotations"], { "com.example.key": "value" });
  await runtime.call(["delete", "--force", id]);
});

eachRuntime("an id is given once", async (runtime) => {
  const { bundle, id } = await runtime.create("sleep 100");
  const again = await runtime.call(["create", "--bundle", bundle, id]);
  assert.notEqual(again.code, 0);
  assert.match(again.stderr, /already exists|is in use|given ID/);
  assert.equal(await runtime.status(id), "created", "the first one is as it was");
  await runtime.call(["delete", "--force", id]);
});

eachRuntime("what is asked of no container is an error", async (runtime) => {
  for (const command of [["state"], ["start"], ["kill"], ["delete"]]) {
    const { code, stderr } = await runtime.call([...command, "nobody"]);
    assert.notEqual(code, 0, command.join(" "));
    assert.match(stderr, /does not exist/);
  }
  assert.equal((await runtime.call(["delete", "--force", "nobody"])).code, 0);
});

eachRuntime("start is for what is created", async (runtime) => {
  const { id } = await runtime.create("sleep 100");
  await runtime.call(["start", id]);
  assert.notEqual((await runtime.call(["start", id])).code, 0);
  await runtime.call(["kill", id, "KILL"]);
  await runtime.becomes(id, "stopped");
  assert.notEqual((await runtime.call(["start", id])).code, 0);
  await runtime.call(["delete", id]);
});

eachRuntime("kill is for what is created or running", async (runtime) => {
  const { id } = await runtime.create("true");
  await runtime.call(["start", id]);
  await runtime.becomes(id, "stopped");
  const { code, stderr } = await runtime.call(["kill", id, "KILL"]);
  assert.notEqual(code, 0);
  assert.match(stderr, /not running|not started/);
  await runtime.call(["delete", id]);
});

eachRuntime("a running container is not deleted, unless by force", async (runtime) => {
  const { id, pid } = await runtime.create("sleep 100");
  await runtime.call(["start", id]);
  const { code, stderr } = await runtime.call(["delete", id]);
  assert.notEqual(code, 0);
  assert.match(stderr, /not stopped/);
  assert.equal((await runtime.call(["delete", "--force", id])).code, 0);
  await untilSo(() => !isAlive(pid), "its process is gone");
});

eachRuntime(
  "a created container is not deleted, unless by force",
  async (runtime) => {
    const { id } = await runtime.create("sleep 100");
    assert.notEqual((await runtime.call(["delete", id])).code, 0);
    assert.equal(await runtime.status(id), "created");
    assert.equal((await runtime.call(["delete", "--force", id])).code, 0);
  },
  { runc: "runc deletes what is created, which the specification wants refused" },
);

eachRuntime("what is changed in the bundle after create does not matter", async (runtime) => {
  const { bundle, id, output } = await runtime.create("echo as it was");
  rmSync(join(bundle, "config.json"));
  assert.equal((await runtime.call(["start", id])).code, 0);
  await untilSo(() => output() === "as it was\n", "the program writes");
  await runtime.becomes(id, "stopped");
  assert.equal((await runtime.call(["delete", id])).code, 0);
});

eachRuntime("a failed create leaves nothing", async (runtime) => {
  const bundle = runtime.bundle("true", (config) => {
    config.process.args = ["no-such-program"];
  });
  const { linux } = JSON.parse(readFileSync(join(bundle, "config.json"), "utf8"));
  const { code, stderr } = await runtime.call(["create", "--bundle", bundle, "broken"]);
  assert.notEqual(code, 0);
  assert.match(stderr, /no-such-program/);
  assert.equal(await runtime.status("broken"), "absent");
  assert.ok(!existsSync(`/sys/fs/cgroup/memory${linux.cgroupsPath}`));
});

eachRuntime("run gives the program's exit code", async (runtime) => {
  assert.equal((await runtime.run("exit 7")).code, 7);
});

eachRuntime("pause stops it where it is, and resume lets it go on", async (runtime) => {
  const { id } = await runtime.create("sleep 100");
  await runtime.call(["start", id]);
  assert.equal((await runtime.call(["pause", id])).code, 0);
  assert.equal(await runtime.status(id), "paused");
  assert.equal((await runtime.call(["resume", id])).code, 0);
  assert.equal(await runtime.status(id), "running");
  await runtime.call(["delete", "--force", id]);
});

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[XZ]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
