/** An extension API server behind an APIService, as kubectl's users see it. */
import assert from "node:assert/strict";
import { request } from "node:https";
import { after, before, test } from "node:test";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
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
const NAME = "v1.garden.example.com";

let server: TestServer;
let k: Kubectl;
let garden: TestGarden;

before(async () => {
  server = await startTestServer();
  k = await kubectl(server.kubeconfig, server.directory);
  garden = await startTestGarden(server.server.core.as(ADMIN));
}, TIMEOUT);

after(async () => {
  await garden[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
}, TIMEOUT);

async function available(): Promise<string> {
  const path = '{.status.conditions[?(@.type=="Available")]';
  const of = (field: string) =>
    k.ok(["get", "apiservice", NAME, "-o", `jsonpath=${path}.${field}}`]);
  return `${await of("status")} ${await of("reason")}`;
}

function untilAvailable(expected: string): Promise<unknown> {
  return until(expected, 15_000, async () => (await available()) === expected);
}

const plant = (name: string, color = "red") =>
  `{apiVersion: garden.example.com/v1, kind: Plant, metadata: {name: ${name}}, spec: {color: ${color}}}`;

test("an APIService says what its service lacks, until it answers", TIMEOUT, async () => {
  const api = server.server.core.as(ADMIN);
  const { caBundle } = garden;
  await k.ok(["create", "-f", "-"], { input: gardenRegistration({}) });
  await untilAvailable("False ServiceNotFound");
  assert.match(
    await k.ok(["get", "apiservice", NAME]),
    /^v1\.garden\.example\.com +default\/garden +False \(ServiceNotFound\) +\d+s$/m,
  );
  const none = await k.run(["get", "plants.garden.example.com"]);
  assert.match(none.stderr, /the server doesn't have a resource type "plants"/);
  const raw = await k.run(["get", "--raw", "/apis/garden.example.com/v1/plants"]);
  assert.match(raw.stderr, /ServiceUnavailable.*default\/garden.*not available/);
  await exposeGarden(api, garden);
  // Its certificate is of an authority that nobody has named.
  await untilAvailable("False FailedDiscoveryCheck");
  await k.ok(["apply", "-f", "-"], { input: gardenRegistration({ caBundle }) });
  await untilAvailable("True Passed");
});

test("kinds of an extension are as good as others to kubectl", TIMEOUT, async () => {
  assert.match(
    await k.ok(["api-resources"]),
    /^plants +pl +garden\.example\.com\/v1 +true +Plant$/m,
  );
  assert.equal(
    await k.ok(["apply", "-f", "-"], { input: plant("rose") }),
    "plant.garden.example.com/rose created\n",
  );
  assert.match(await k.ok(["get", "pl"]), /^NAME +AGE\nrose +\d+s\n$/);
  await k.ok(["apply", "-f", "-"], { input: plant("rose", "white") });
  assert.equal(await k.ok(["get", "plant", "rose", "-o", "jsonpath={.spec.color}"]), "white");
  await k.ok(["label", "plant", "rose", "thorns=yes"]);
  assert.match(await k.ok(["explain", "plants.spec.color"]), /Of its flowers\./);
  assert.match(await k.ok(["describe", "plant", "rose"]), /Labels: +thorns=yes/);
  assert.equal(
    await k.ok(["delete", "plant", "rose"]),
    'plant.garden.example.com "rose" deleted from default namespace\n',
  );
  assert.equal(await k.ok(["get", "plants"]), "");
});

test("a watch is carried on as it comes", TIMEOUT, async () => {
  const watching = k.start(["get", "plants", "--watch", "-o", "name"]);
  let shown = "";
  watching.stdout?.on("data", (data) => {
    shown += String(data);
  });
  await until("the watch", 10_000, async () =>
    garden.heard.some(({ request }) => request.url?.includes("watch=true")),
  );
  await k.ok(["create", "-f", "-"], { input: plant("lily") });
  await until("the event", 10_000, async () => shown.includes("plant.garden.example.com/lily\n"));
  watching.kill();
  await k.ok(["delete", "plants", "--all"]);
});

interface Asked {
  readonly status: number;
  readonly text: string;
}

/** As a client with a certificate, or without, that sends whatever headers it likes. */
function ask(
  path: string,
  options: {
    readonly headers?: Readonly<Record<string, string | string[]>>;
    readonly credential?: { readonly certificate: string; readonly key: string };
    readonly method?: string;
  } = {},
): Promise<Asked> {
  const { credential, headers = {}, method = "GET" } = options;
  const tls = credential === undefined ? {} : { cert: credential.certificate, key: credential.key };
  return new Promise((resolve, reject) => {
    const sent = request(
      `https://127.0.0.1:${server.server.restPort}${path}`,
      { method, headers, ca: server.authority.certificate, agent: false, ...tls },
      (response) => {
        let text = "";
        response.on("data", (data) => {
          text += String(data);
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    sent.once("error", reject);
    sent.end();
  });
}

const PLANTS = "/apis/garden.example.com/v1/namespaces/default/plants";

test(
  "the extension hears who asks, and nothing that the client says of itself",
  TIMEOUT,
  async () => {
    garden.heard.length = 0;
    const headers = {
      "X-Remote-User": "root",
      "X-Remote-Group": "system:masters",
      X_Remote_User: "root",
      "X-Remote-Extra-Scopes": "all",
      "X-Remote-Uid": "0",
      Connection: "close, X-Forwarded-Uri, X-Remote-Group",
      "Impersonate-User": "jane",
      "Impersonate-Group": ["devs", "ops"],
      "Impersonate-Extra-a%2Fb": "c",
      "Impersonate-Uid": "7",
    };
    const { admin: credential } = server;
    await k.ok([
      "create",
      "clusterrole",
      "gardener",
      "--verb=list",
      "--resource=plants.garden.example.com",
    ]);
    await k.ok([
      "create",
      "clusterrolebinding",
      "gardener",
      "--clusterrole=gardener",
      "--group=devs",
    ]);
    assert.equal((await ask(PLANTS, { credential, headers })).status, 200);
    const [{ request: heard } = {} as never] = garden.heard;
    const said = Object.entries(heard.headersDistinct).filter(([name]) =>
      /remote|impersonate|authorization/.test(name),
    );
    assert.deepEqual(Object.fromEntries(said), {
      "x-remote-user": ["jane"],
      "x-remote-uid": ["7"],
      "x-remote-group": ["devs", "ops", "system:authenticated"],
      "x-remote-extra-a%2fb": ["c"],
    });
    assert.equal(heard.headers["x-forwarded-uri"], PLANTS);
  },
);

test("whether a user may ask at all is judged before", TIMEOUT, async () => {
  const credential = await server.credential("jane", ["devs"]);
  garden.heard.length = 0;
  const status = async (path: string, method?: string) =>
    (await ask(path, { credential, ...(method === undefined ? {} : { method }) })).status;
  assert.equal(await status(PLANTS), 200);
  assert.equal(await status("/apis/garden.example.com/v1"), 200);
  const before = garden.heard.length;
  assert.equal(await status(`${PLANTS}?watch=1`), 403);
  assert.equal(await status(`${PLANTS}/rose`), 403);
  assert.equal(await status(PLANTS, "DELETE"), 403);
  assert.equal(await status("/apis/garden.example.com/v1/plants%2frose"), 400);
  const anonymous = await ask(PLANTS);
  assert.equal(anonymous.status, 403);
  assert.equal(
    JSON.parse(anonymous.text).message,
    'plants.garden.example.com is forbidden: User "system:anonymous" cannot list resource "plants" in API group "garden.example.com" in the namespace "default"',
  );
  assert.equal(garden.heard.length, before);
});

test("a token is for the API server alone", TIMEOUT, async () => {
  await k.ok(["create", "serviceaccount", "robot"]);
  await k.ok([
    "create",
    "rolebinding",
    "robot",
    "--clusterrole=gardener",
    "--serviceaccount=default:robot",
  ]);
  const token = (await k.ok(["create", "token", "robot"])).trim();
  garden.heard.length = 0;
  const headers = { authorization: `Bearer ${token}` };
  assert.equal((await ask(PLANTS, { headers })).status, 200);
  const [{ request: heard, user } = {} as never] = garden.heard;
  assert.equal(heard.headers.authorization, undefined);
  assert.equal(user?.name, "system:serviceaccount:default:robot");
  assert.ok(heard.headers["x-remote-uid"]);
});

interface GroupDiscovery {
  readonly metadata: { readonly name: string };
  readonly versions: readonly {
    readonly version: string;
    readonly freshness: string;
    readonly resources: readonly { readonly resource: string }[];
  }[];
}

async function discovered(): Promise<GroupDiscovery["versions"][0] | undefined> {
  const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
  const { text } = await ask("/apis", { credential: server.admin, headers: { accept } });
  const { items } = JSON.parse(text) as { readonly items: readonly GroupDiscovery[] };
  return items.find(({ metadata }) => metadata.name === "garden.example.com")?.versions[0];
}

test("an extension that is gone holds nobody up, and comes back", TIMEOUT, async () => {
  const { port } = garden;
  const { admin: credential } = server;
  assert.equal((await discovered())?.freshness, "Current");
  await garden[Symbol.asyncDispose]();
  // The first who asks finds out, and is not kept waiting.
  const first = await ask(PLANTS, { credential });
  assert.equal(first.status, 503);
  assert.match(
    JSON.parse(first.text).message,
    /default\/garden", and it cannot be reached: .*ECONNREFUSED/,
  );
  const write = await k.run(["create", "--raw", PLANTS, "-f", "-"], { input: plant("late") });
  assert.match(write.stderr, /^Error from server \(ServiceUnavailable\): .*default\/garden/);
  await untilAvailable("False FailedDiscoveryCheck");
  const version = await discovered();
  assert.equal(version?.freshness, "Stale");
  assert.deepEqual(
    version?.resources.map(({ resource }) => resource),
    ["plants"],
  );
  assert.match(await k.ok(["get", "namespaces", "default", "-o", "name"]), /namespace\/default/);
  assert.match(await k.ok(["get", "--raw", "/apis"]), /"garden\.example\.com\/v1"/);
  garden = await startTestGarden(server.server.core.as(ADMIN), port);
  await k.ok(["apply", "-f", "-"], { input: gardenRegistration({ caBundle: garden.caBundle }) });
  await untilAvailable("True Passed");
  assert.equal((await discovered())?.freshness, "Current");
});

test("an extension goes before a definition, and leaves it its place", TIMEOUT, async () => {
  const definition = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "weeds.garden.example.com" },
    spec: {
      group: "garden.example.com",
      scope: "Namespaced",
      names: { plural: "weeds", kind: "Weed" },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: "object" } },
        },
      ],
    },
  };
  await k.ok(["apply", "-f", "-"], { input: JSON.stringify(definition) });
  const { admin: credential } = server;
  const weeds = "/apis/garden.example.com/v1/weeds";
  assert.match((await ask(weeds, { credential })).text, /could not find the requested resource/);
  await k.ok(["delete", "apiservice", NAME]);
  await until("the definition's turn", 10_000, async () => {
    const { text } = await ask(weeds, { credential });
    return text.includes('"WeedList"');
  });
  assert.equal((await ask(PLANTS, { credential })).status, 404);
  const label = "{.metadata.labels}";
  await until("a registration of its own", 10_000, async () => {
    const shown = await k.ok(["get", "apiservice", NAME, "-o", `jsonpath=${label}`]);
    return shown.includes("automanaged");
  });
});

test("metrics.k8s.io is built in, until somebody brings it", TIMEOUT, async () => {
  const { admin: credential } = server;
  const status = async () =>
    (await ask("/apis/metrics.k8s.io/v1beta1/nodes", { credential })).status;
  assert.equal(await status(), 200);
  const registration = {
    apiVersion: "apiregistration.k8s.io/v1",
    kind: "APIService",
    metadata: { name: "v1beta1.metrics.k8s.io" },
    spec: {
      group: "metrics.k8s.io",
      version: "v1beta1",
      service: { namespace: "kube-system", name: "metrics-server" },
      insecureSkipTLSVerify: true,
      groupPriorityMinimum: 100,
      versionPriority: 100,
    },
  };
  await k.ok(["create", "-f", "-"], { input: JSON.stringify(registration) });
  await until("the service's turn", 10_000, async () => (await status()) === 503);
  await k.ok(["delete", "apiservice", "v1beta1.metrics.k8s.io"]);
  await until("ours again", 10_000, async () => (await status()) === 200);
});
