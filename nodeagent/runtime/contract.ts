import assert from "node:assert/strict";
import { type TestOptions, test } from "node:test";
import type { ContainerConfig, ContainerState, Runtime, SandboxConfig } from "./runtime.ts";

export interface ContractSubject {
  readonly runtime: Runtime;
  sandbox(id: string): SandboxConfig;
  /** Runs until it is told to stop. */
  sleeper(id: string, sandboxId: string): ContainerConfig;
  /** Ends at once with this exit code. */
  ender(id: string, sandboxId: string, exitCode: number): ContainerConfig;
  /** Can not be started. */
  failing(id: string, sandboxId: string): ContainerConfig;
}

/** What every implementation of Runtime promises. `open` is called once, when the first test runs. */
export function runtimeContract(
  name: string,
  open: () => Promise<ContractSubject>,
  options: TestOptions,
): void {
  const opened: { subject: Promise<ContractSubject> | undefined } = { subject: undefined };
  const subject = (): Promise<ContractSubject> => {
    opened.subject ??= open();
    return opened.subject;
  };
  lifeContract(name, subject, options);
  limitContract(name, subject, options);
  processContract(name, subject, options);
}

function lifeContract(
  name: string,
  subject: () => Promise<ContractSubject>,
  options: TestOptions,
): void {
  test(`${name}: the same sandbox and container may be asked for twice`, options, async () => {
    const { runtime, sandbox, sleeper } = await subject();
    const made = await runtime.createSandbox(sandbox("twice"));
    assert.deepEqual(await runtime.createSandbox(sandbox("twice")), made);
    const state = await runtime.startContainer(sleeper("twice-1", "twice"));
    assert.equal(state.at, "running");
    assert.deepEqual(await runtime.startContainer(sleeper("twice-1", "twice")), state);
    await runtime.removeSandbox("twice");
    await runtime.removeSandbox("twice");
    const { sandboxes, containers } = await runtime.list();
    assert.ok(!sandboxes.some(({ config }) => config.id === "twice"));
    assert.ok(!containers.some(({ config }) => config.sandboxId === "twice"));
  });

  test(`${name}: events tell each state, beginning with what is`, options, async () => {
    const { runtime, sandbox, sleeper, ender } = await subject();
    await runtime.createSandbox(sandbox("events"));
    await runtime.startContainer(sleeper("events-1", "events"));
    const done = new AbortController();
    const seen = collect(runtime, done.signal, "events-2", "exited");
    await runtime.startContainer(ender("events-2", "events", 7));
    const states = await seen;
    done.abort();
    assert.deepEqual(states.get("events-1")?.at, "running");
    const last = states.get("events-2");
    assert.equal(last?.at === "exited" && last.exitCode, 7);
    await runtime.removeSandbox("events");
  });

  test(`${name}: kill ends a container, and is no error when it is gone`, options, async () => {
    const { runtime, sandbox, sleeper } = await subject();
    await runtime.createSandbox(sandbox("kill"));
    await runtime.startContainer(sleeper("kill-1", "kill"));
    const done = new AbortController();
    const seen = collect(runtime, done.signal, "kill-1", "exited");
    await runtime.killContainer("kill-1", 9, true);
    const state = (await seen).get("kill-1");
    done.abort();
    assert.equal(state?.at === "exited" && state.exitCode, 137);
    assert.equal(state?.at === "exited" && state.signal, 9);
    await runtime.killContainer("kill-1", 9, true);
    await runtime.killContainer("kill-none", 9, true);
    await runtime.removeContainer("kill-1");
    await runtime.removeContainer("kill-1");
    await runtime.removeSandbox("kill");
  });
}

function limitContract(
  name: string,
  subject: () => Promise<ContractSubject>,
  options: TestOptions,
): void {
  test(`${name}: limits change while it runs, and not for what is gone`, options, async () => {
    const { runtime, sandbox, sleeper } = await subject();
    await runtime.createSandbox(sandbox("limit"));
    await runtime.startContainer(sleeper("limit-1", "limit"));
    const limits = { cpuShares: 100, cpuQuotaUs: 20_000, cpuPeriodUs: 100_000 };
    for (const each of [limits, limits, { ...limits, memoryBytesMax: 512 << 20 }, {}]) {
      await runtime.limitSandbox("limit", each);
      await runtime.limitContainer("limit-1", each);
    }
    await assert.rejects(runtime.limitContainer("limit-none", limits), /does not exist/);
    await runtime.removeSandbox("limit");
    await assert.rejects(runtime.limitSandbox("limit", limits), /does not exist/);
  });
}

function processContract(
  name: string,
  subject: () => Promise<ContractSubject>,
  options: TestOptions,
): void {
  test(`${name}: a failed start is a state, and is listed`, options, async () => {
    const { runtime, sandbox, failing } = await subject();
    await runtime.createSandbox(sandbox("fail"));
    const state = await runtime.startContainer(failing("fail-1", "fail"));
    assert.equal(state.at, "failed");
    const { containers } = await runtime.list();
    assert.deepEqual(containers.find(({ config }) => config.id === "fail-1")?.state, state);
    await runtime.removeSandbox("fail");
  });

  test(
    `${name}: exec answers with an exit code, and refuses what does not run`,
    options,
    async () => {
      const { runtime, sandbox, sleeper } = await subject();
      await runtime.createSandbox(sandbox("exec"));
      await runtime.startContainer(sleeper("exec-1", "exec"));
      const config = { containerId: "exec-1", command: ["true"], tty: false, stdin: false };
      const process = await runtime.exec(config);
      for await (const _ of process.output);
      assert.equal(await process.exitCode, 0);
      await assert.rejects(runtime.exec({ ...config, containerId: "exec-none" }), /does not exist/);
      await runtime.removeSandbox("exec");
    },
  );
}

/** The latest state of every container, once `id` has come to `at`. */
async function collect(
  runtime: Runtime,
  signal: AbortSignal,
  id: string,
  at: ContainerState["at"],
): Promise<ReadonlyMap<string, ContainerState>> {
  const states = new Map<string, ContainerState>();
  for await (const event of runtime.events(signal)) {
    states.set(event.id, event.state);
    if (event.id === id && event.state.at === at) return states;
  }
  throw new Error("the events ended");
}
