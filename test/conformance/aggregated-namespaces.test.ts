/** Namespaces end together with what other API servers keep in them. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { startTestControllers } from "../harness/controllers.ts";
import {
  exposeGarden,
  gardenRegistration,
  startTestGarden,
  type TestGarden,
} from "../harness/garden.ts";
import { type Kubectl, kubectl } from "../harness/kubectl.ts";
import { until } from "../harness/until.ts";

const TIMEOUT = { timeout: 60_000 };
const ADMIN = { name: "admin", groups: ["system:masters"] };

let server: TestServer;
let controllers: AsyncDisposable;
let k: Kubectl;
let garden: TestGarden;

before(async () => {
  server = await startTestServer();
  controllers = await startTestControllers(server, []);
  k = await kubectl(server.kubeconfig, server.directory);
  const api = server.server.core.as(ADMIN);
  garden = await startTestGarden(api);
  await exposeGarden(api, garden);
  const { caBundle } = garden;
  await k.ok(["create", "-f", "-"], { input: gardenRegistration({ caBundle }) });
  await k.ok(["wait", "apiservice/v1.garden.example.com", "--for=condition=Available"]);
}, TIMEOUT);

after(async () => {
  await garden[Symbol.asyncDispose]();
  await controllers[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
}, TIMEOUT);

const PLANT = "{apiVersion: garden.example.com/v1, kind: Plant, metadata: {name: rose}}";

test("an extension's objects go with their namespace", TIMEOUT, async () => {
  await k.ok(["create", "namespace", "bed"]);
  await k.ok(["create", "-f", "-", "-n", "bed"], { input: PLANT });
  await k.ok(["create", "-f", "-"], { input: PLANT });
  await k.ok(["delete", "namespace", "bed", "--timeout=30s"]);
  const left = await k.ok(["get", "plants", "-A", "-o", "name"]);
  assert.equal(left, "plant.garden.example.com/rose\n");
});

test("a namespace waits for an extension that does not answer, and says so", TIMEOUT, async () => {
  await k.ok(["create", "namespace", "bed"]);
  await garden[Symbol.asyncDispose]();
  await k.ok(["delete", "namespace", "bed", "--wait=false"]);
  const path = '{.status.conditions[?(@.type=="NamespaceDeletionDiscoveryFailure")].message}';
  await until("the condition", 20_000, async () => {
    const message = await k.ok(["get", "namespace", "bed", "-o", `jsonpath=${path}`]);
    return /"bed" has to wait until it is known to be empty: garden\.example\.com/.test(message);
  });
  await k.ok(["delete", "apiservice", "v1.garden.example.com"]);
  await k.ok(["wait", "namespace/bed", "--for=delete", "--timeout=30s"]);
});
