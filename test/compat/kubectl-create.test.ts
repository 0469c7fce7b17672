/** Every generator of `kubectl create`, and `run`, `expose` and `delete`: what they send is what is then there. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type KubectlCase, useBothKubectls } from "../harness/both-kubectls.ts";

const { each, newer } = useBothKubectls();

/** `NS` stands for the namespace, so that what is in none has a name for each client. */
type Row = readonly [create: string, what: string, path: string, expected: string];

const GENERATORS: readonly Row[] = [
  [
    "configmap words --from-literal=a=1 --from-literal=b=2",
    "cm words",
    "{.data}",
    '{"a":"1","b":"2"}',
  ],
  [
    "secret generic hidden --from-literal=a=geheim",
    "secret hidden",
    "{.type} {.data.a}",
    "Opaque Z2VoZWlt",
  ],
  [
    "secret docker-registry pull --docker-server=r.example --docker-username=u --docker-password=p",
    "secret pull",
    "{.type}",
    "kubernetes.io/dockerconfigjson",
  ],
  ["namespace NS-more", "ns NS-more", "{.status.phase}", "Active"],
  [
    "deployment gen --image=x --replicas=2 --port=80",
    "deploy gen",
    "{.spec.replicas} {.spec.template.spec.containers[0].ports[0].containerPort}",
    "2 80",
  ],
  ["job once --image=ends", "job once", "{.spec.template.spec.restartPolicy}", "Never"],
  [
    "job says --image=ends -- echo hi",
    "job says",
    "{.spec.template.spec.containers[0].command}",
    '["echo","hi"]',
  ],
  [
    "service clusterip inner --tcp=80:8080",
    "svc inner",
    "{.spec.type} {.spec.ports[0].targetPort}",
    "ClusterIP 8080",
  ],
  ["service clusterip headless --clusterip=None", "svc headless", "{.spec.clusterIP}", "None"],
  [
    "service nodeport outer --tcp=80 --node-port=NODEPORT",
    "svc outer",
    "{.spec.ports[0].nodePort}",
    "NODEPORT",
  ],
  ["service loadbalancer lb --tcp=80", "svc lb", "{.spec.type}", "LoadBalancer"],
  [
    "service externalname away --external-name=a.example",
    "svc away",
    "{.spec.externalName}",
    "a.example",
  ],
  [
    "ingress front --rule=shop.example/cart*=inner:80 --class=any",
    "ingress front",
    "{.spec.rules[0].http.paths[0].pathType} {.spec.rules[0].http.paths[0].backend.service.port.number} {.spec.ingressClassName}",
    "Prefix 80 any",
  ],
  ["serviceaccount robot", "sa robot", "{.metadata.name}", "robot"],
  [
    "role reader --verb=get,list --resource=pods,deployments.apps --resource-name=p",
    "role reader",
    "{.rules[*].verbs} {.rules[*].resources} {.rules[*].resourceNames}",
    '["get","list"] ["get","list"] ["pods"] ["deployments"] ["p"] ["p"]',
  ],
  [
    "rolebinding reads --role=reader --user=eve --serviceaccount=NS:robot",
    "rolebinding reads",
    "{.roleRef.name} {.subjects[*].name}",
    "reader eve robot",
  ],
  [
    "clusterrole NS-r --verb=get --resource=nodes",
    "clusterrole NS-r",
    "{.rules[0].resources}",
    '["nodes"]',
  ],
  [
    "clusterrole NS-u --verb=get --non-resource-url=/logs/*",
    "clusterrole NS-u",
    "{.rules[0].nonResourceURLs}",
    '["/logs/*"]',
  ],
  [
    "clusterrole NS-a --aggregation-rule=NS=yes",
    "clusterrole NS-a",
    "{.aggregationRule.clusterRoleSelectors[0].matchLabels}",
    '{"NS":"yes"}',
  ],
  [
    "clusterrolebinding NS-b --clusterrole=NS-r --group=g",
    "clusterrolebinding NS-b",
    "{.subjects[0].kind}",
    "Group",
  ],
  [
    "priorityclass NS-p --value=10 --preemption-policy=Never --description=low",
    "priorityclass NS-p",
    "{.value} {.preemptionPolicy} {.description}",
    "10 Never low",
  ],
  [
    "quota some --hard=pods=100,secrets=50",
    "quota some",
    "{.spec.hard}",
    '{"pods":"100","secrets":"50"}',
  ],
];

/** What 1.20 sends in versions that are no more. */
const GENERATORS_NEWER: readonly Row[] = [
  [
    "cronjob nightly --image=ends --schedule=@daily",
    "cj nightly",
    "{.spec.schedule} {.spec.suspend}",
    "@daily false",
  ],
  ["job now --from=cronjob/nightly", "job now", "{.metadata.ownerReferences[0].name}", "nightly"],
  [
    "poddisruptionbudget spare --selector=a=b --min-available=1",
    "pdb spare",
    "{.spec.minAvailable}",
    "1",
  ],
  [
    "poddisruptionbudget few --selector=a=b --max-unavailable=25%",
    "pdb few",
    "{.spec.maxUnavailable}",
    "25%",
  ],
];

for (const [create, ...rest] of GENERATORS)
  each(`create ${create}`, (c) => created(c, [create, ...rest]));
for (const [create, ...rest] of GENERATORS_NEWER)
  newer(`create ${create}`, (c) => created(c, [create, ...rest]));

async function created(c: KubectlCase, [create, what, path, expected]: Row): Promise<void> {
  const nodePort = c.version === "1.35" ? "30100" : "30200";
  const of = (text: string) => text.replaceAll("NODEPORT", nodePort).replaceAll("NS", c.namespace);
  const words = of(create).split(" ");
  assert.match(await c.k.ok(["create", ...words]), / created\n$/);
  assert.equal(await c.get(of(what), path), of(expected));
  const again = await c.k.run(["create", ...words]);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /already exists|provided port is already allocated/);
}

each("create configmap and secret from files", async ({ get, k, namespace, server }) => {
  const file = join(server.directory, `${namespace}.env`);
  await writeFile(file, "COLOUR=red\nSIZE=7\n");
  await k.ok(["create", "configmap", "file", `--from-file=all=${file}`]);
  await k.ok(["create", "configmap", "lines", `--from-env-file=${file}`]);
  await k.ok(["create", "secret", "generic", "binary", "--from-file=node=/bin/true"]);
  assert.equal(await get("cm file", "{.data.all}"), "COLOUR=red\nSIZE=7\n");
  assert.equal(await get("cm lines", "{.data.COLOUR} {.data.SIZE}"), "red 7");
  assert.match(await get("secret binary", "{.data.node}"), /^f0VMR/);
});

each("create secret tls", async ({ get, k, namespace, server }) => {
  const { certificate, key } = await server.credential("web");
  const files = {
    cert: join(server.directory, `${namespace}.crt`),
    key: join(server.directory, `${namespace}.key`),
  };
  await writeFile(files.cert, certificate);
  await writeFile(files.key, key);
  await k.ok(["create", "secret", "tls", "web", `--cert=${files.cert}`, `--key=${files.key}`]);
  const stored = Buffer.from(await get("secret web", "{.data.tls\\.crt}"), "base64");
  assert.equal(stored.toString(), certificate);
});

newer("create token", async ({ k, namespace }) => {
  const token = (
    await k.ok(["create", "token", "default", "--duration=1h", "--audience=shop"])
  ).trim();
  const [, payload = ""] = token.split(".");
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
  assert.equal(claims.sub, `system:serviceaccount:${namespace}:default`);
  assert.deepEqual(claims.aud, ["shop"]);
  assert.equal(claims.exp - claims.iat, 3600);
});

each("create, with a dry run on either side, leaves nothing", async ({ k, version }) => {
  for (const side of ["client", "server"]) {
    const args = ["create", "configmap", "ghost", "--from-literal=a=b", `--dry-run=${side}`];
    assert.match(
      await k.ok(args),
      new RegExp(`created \\(${side === "client" ? "" : "server "}dry run\\)`),
    );
  }
  const missing = await k.run(["get", "cm", "ghost"]);
  assert.equal(missing.code, 1, version);
  assert.match(missing.stderr, /^Error from server \(NotFound\): configmaps "ghost" not found/);
});

each("create -f refuses what it does not know, unless told not to", async ({ k, version }) => {
  const input = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd}\ndatum: {a: b}\n";
  const refused = await k.run(["create", "-f", "-"], { input });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /unknown field "datum"/);
  if (version === "1.35") {
    const warned = await k.run(["create", "--validate=warn", "--dry-run=server", "-f", "-"], {
      input,
    });
    assert.match(warned.stderr, /Warning: unknown field "datum"/);
  }
  const off = version === "1.35" ? "--validate=ignore" : "--validate=false";
  assert.match(await k.ok(["create", off, "-f", "-"], { input }), /configmap\/odd created/);
});

each("run makes a pod, and expose a service of what selects", async ({ get, k }) => {
  assert.match(
    await k.ok(["run", "solo", "--image=x", "--port=80", "--labels=app=solo", "--env=A=1"]),
    /^pod\/solo created/,
  );
  assert.equal(
    await get("pod solo", "{.spec.containers[0].env[0].value} {.spec.restartPolicy}"),
    "1 Always",
  );
  await k.ok(["expose", "pod", "solo", "--name=solo-pod", "--port=81", "--target-port=80"]);
  await k.ok(["expose", "deployment", "gen", "--name=gen-dep", "--type=NodePort"]);
  await k.ok(["expose", "service", "gen-dep", "--name=gen-again", "--port=82"]);
  assert.equal(
    await get("svc solo-pod", "{.spec.selector} {.spec.ports[0].port}"),
    '{"app":"solo"} 81',
  );
  assert.equal(await get("svc gen-dep", "{.spec.type} {.spec.ports[0].port}"), "NodePort 80");
  assert.equal(await get("svc gen-again", "{.spec.selector}"), '{"app":"gen"}');
});

each("autoscale makes an autoscaler of what has a scale", async ({ get, k }) => {
  assert.match(
    await k.ok(["autoscale", "deployment", "gen", "--min=2", "--max=3"]),
    /autoscaled\n$/,
  );
  const path = "{.spec.minReplicas} {.spec.maxReplicas} {.spec.scaleTargetRef.name}";
  assert.equal(await get("hpa gen", path), "2 3 gen");
  await k.ok(["delete", "hpa", "gen"]);
});

each("delete by name, label, file and all; with and without waiting", async ({ k }) => {
  await k.ok(["wait", "pod/solo", "--for=condition=Ready", "--timeout=20s"]);
  assert.match(await k.ok(["delete", "pod", "solo"]), /pod "solo" deleted/);
  assert.equal((await k.run(["get", "pod", "solo"])).code, 1);
  await k.ok(["delete", "svc", "-l", "app=solo"]);
  assert.equal((await k.run(["get", "svc", "solo-pod"])).code, 1);
  const input = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: words}\n";
  await k.ok(["delete", "-f", "-", "--wait=false"], { input });
  await k.ok(["delete", "cm", "file", "--dry-run=server"]);
  await k.ok(["get", "cm", "file"]);
  await k.ok(["delete", "secrets,services", "--all", "--now"]);
  assert.equal(await k.ok(["get", "secrets,services", "-o=name"]), "");
  await k.ok(["delete", "cm", "nothing", "--ignore-not-found"]);
  const missing = await k.run(["delete", "cm", "nothing"]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /Error from server \(NotFound\): configmaps "nothing" not found/);
});

each("delete leaves dependents where it is asked to", async ({ get, k }) => {
  await k.ok(["create", "deployment", "kept", "--image=x", "--replicas=1"]);
  await k.ok(["rollout", "status", "deploy/kept", "--timeout=20s"]);
  await k.ok(["delete", "deploy", "kept", "--cascade=orphan"]);
  assert.equal(await get("rs -l=app=kept", "{.items[*].metadata.ownerReferences}"), "");
  await k.ok(["delete", "rs", "-l=app=kept", "--cascade=foreground"]);
  assert.equal(await k.ok(["get", "rs,pods", "-l=app=kept", "-o=name"]), "");
});
