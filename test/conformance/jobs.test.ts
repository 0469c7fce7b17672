/** Jobs as the real kubectl makes and follows them; the nodes are simulated. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { startTestControllers } from "../harness/controllers.ts";
import { type FakeAgent, startFakeAgent } from "../harness/fake-agent.ts";
import { type Kubectl, kubectl } from "../harness/kubectl.ts";

const TIMEOUT = { timeout: 60_000 };

let server: TestServer;
let controllers: AsyncDisposable;
let agent: FakeAgent;
let k: Kubectl;

before(async () => {
  server = await startTestServer();
  controllers = await startTestControllers(server, ["n1"]);
  const credential = await server.credential("system:node:n1", ["system:nodes"]);
  const address = `127.0.0.1:${server.server.grpcPort}`;
  const access = { address, authority: server.authority.certificate, ...credential };
  agent = startFakeAgent(access, async (session) => {
    session.send({ $case: "stdout", value: Buffer.from("done\n") });
    session.end();
  });
  await agent.ready;
  k = await kubectl(server.kubeconfig, server.directory);
}, TIMEOUT);

after(async () => {
  agent.close();
  await controllers[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
}, TIMEOUT);

const wait = (name: string, condition = "complete") =>
  k.ok(["wait", `job/${name}`, `--for=condition=${condition}`, "--timeout=20s"]);

test("create job, wait, get, describe, logs and delete", TIMEOUT, async () => {
  assert.match(await k.ok(["create", "job", "pi", "--image=ends"]), /job.batch\/pi created/);
  await wait("pi");
  assert.match(
    await k.ok(["get", "job", "pi", "-o=wide"]),
    /^NAME\s+STATUS\s+COMPLETIONS\s+DURATION\s+AGE\s+CONTAINERS\s+IMAGES\s+SELECTOR\npi\s+Complete\s+1\/1\s+\d+s\s+\d+s\s+pi\s+ends\s+batch.kubernetes.io\/controller-uid=/,
  );
  assert.match(await k.ok(["describe", "job", "pi"]), /1 Succeeded \/ 0 Failed.*Job completed/s);
  assert.equal(await k.ok(["logs", "job/pi"]), "done\n");
  assert.match(await k.ok(["explain", "job.spec.backoffLimitPerIndex"]), /<integer>/);
  await k.ok(["delete", "job", "pi"]);
  assert.equal(await k.ok(["get", "pods", "-o=name"]), "");
});

test("an Indexed Job numbers its pods", TIMEOUT, async () => {
  const input = `apiVersion: batch/v1
kind: Job
metadata: {name: parts}
spec:
  completions: 3
  parallelism: 3
  completionMode: Indexed
  template:
    spec: {restartPolicy: Never, containers: [{name: c, image: ends}]}
`;
  await k.ok(["apply", "-f", "-"], { input });
  await wait("parts");
  const path = "-o=jsonpath={.status.succeeded} {.status.completedIndexes}";
  assert.equal(await k.ok(["get", "job", "parts", path]), "3 0-2");
  const columns =
    "-o=jsonpath={range .items[*]}{.spec.hostname}{.spec.containers[0].env[0].name}{end}";
  const found = await k.ok([
    "get",
    "pods",
    "-l=job-name=parts",
    "--sort-by=.spec.hostname",
    columns,
  ]);
  const name = "JOB_COMPLETION_INDEX";
  assert.equal(found, `parts-0${name}parts-1${name}parts-2${name}`);
  assert.match(await k.ok(["apply", "-f", "-"], { input }), /unchanged/);
  const refused = await k.run(["patch", "job", "parts", '-p={"spec":{"completions":5}}']);
  assert.match(
    refused.stderr,
    /spec.completions: Invalid value: 5: can only be modified in tandem/,
  );
});

test("a Job that fails says so, and a suspended one waits to be resumed", TIMEOUT, async () => {
  await k.ok(["create", "job", "bad", "--image=fails"]);
  await k.ok(["patch", "job", "bad", '-p={"spec":{"backoffLimit":0}}']);
  await wait("bad", "failed");
  assert.match(await k.ok(["get", "job", "bad"]), /bad\s+Failed\s+0\/1/);
  const input = `apiVersion: batch/v1
kind: Job
metadata: {name: later}
spec:
  suspend: true
  template: {spec: {restartPolicy: Never, containers: [{name: c, image: ends}]}}
`;
  await k.ok(["create", "-f", "-"], { input });
  await wait("later", "suspended");
  const ended = (count: number) =>
    k.ok(["get", "jobs", `--field-selector=status.successful=${count}`, "-o=name"]);
  assert.match(await ended(0), /job.batch\/later/);
  await k.ok(["patch", "job", "later", '-p={"spec":{"suspend":false}}']);
  await wait("later");
  assert.match(await ended(1), /job.batch\/later/);
});

test("a pod that would run for ever is no Job's", TIMEOUT, async () => {
  const { stderr } = await k.run(["create", "-f", "-"], {
    input:
      "apiVersion: batch/v1\nkind: Job\nmetadata: {name: x}\nspec: {template: {spec: {containers: [{name: c, image: i}]}}}\n",
  });
  assert.match(
    stderr,
    /spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"/,
  );
});

test("create cronjob, and a job from it", TIMEOUT, async () => {
  await k.ok(["create", "cronjob", "tick", "--image=ends", "--schedule=@hourly"]);
  await k.ok(["patch", "cronjob", "tick", '-p={"spec":{"timeZone":"Asia/Seoul"}}']);
  assert.match(
    await k.ok(["get", "cj"]),
    /^NAME\s+SCHEDULE\s+TIMEZONE\s+SUSPEND\s+ACTIVE\s+LAST SCHEDULE\s+AGE\ntick\s+@hourly\s+Asia\/Seoul\s+False\s+0\s+<none>/,
  );
  assert.match(await k.ok(["describe", "cronjob", "tick"]), /Concurrency Policy:\s+Allow/);
  await k.ok(["create", "job", "now", "--from=cronjob/tick"]);
  await wait("now");
  const owner =
    "-o=jsonpath={.metadata.ownerReferences[0].kind}/{.metadata.ownerReferences[0].name}";
  assert.equal(await k.ok(["get", "job", "now", owner]), "CronJob/tick");
  const { stderr } = await k.run(["create", "cronjob", "x", "--image=i", "--schedule=61 * * * *"]);
  assert.match(
    stderr,
    /spec.schedule: Invalid value: "61 \* \* \* \*": end of range \(61\) above maximum \(59\)/,
  );
});
