/** What the verbs that change objects leave behind: apply, diff, edit, patch, replace, label, annotate, scale, set. */
import assert from "node:assert/strict";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type KubectlCase, useBothKubectls } from "../harness/both-kubectls.ts";

const { each, newer } = useBothKubectls();

function webYaml(image: string, name = "web"): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec:
      containers:
      - {name: main, image: "${image}", ports: [{containerPort: 80}]}
      - {name: side, image: side}
`;
}

const IMAGES = "{.spec.template.spec.containers[*].image}";

each("diff shows what apply would make, and exits 1", async ({ k }) => {
  const { code, stdout } = await k.run(["diff", "-f", "-"], { input: webYaml("a:1") });
  assert.equal(code, 1);
  assert.match(stdout, /^\+.*image: a:1/m);
  assert.equal((await k.run(["get", "deploy", "web"])).code, 1);
});

each("apply creates, leaves alone, and merges lists by their keys", async ({ get, k }) => {
  const apply = (image: string, ...more: readonly string[]) =>
    k.ok(["apply", ...more, "-f", "-"], { input: webYaml(image) });
  assert.match(await apply("a:1", "--dry-run=server"), /created \(server dry run\)/);
  assert.match(await apply("a:1"), /deployment.apps\/web created/);
  assert.match(await apply("a:1"), /deployment.apps\/web unchanged/);
  await k.ok(["set", "env", "deploy/web", "-c=side", "KEPT=yes"]);
  assert.match(await apply("a:2"), /deployment.apps\/web configured/);
  assert.equal(await get("deploy web", IMAGES), "a:2 side");
  const kept = "{.spec.template.spec.containers[1].env[0].value}";
  assert.equal(await get("deploy web", kept), "yes");
});

each("diff of what is there is empty and exits 0; of a change it shows both", async ({ k }) => {
  assert.deepEqual(await k.run(["diff", "-f", "-"], { input: webYaml("a:2") }), {
    code: 0,
    stdout: "",
    stderr: "",
  });
  const changed = await k.run(["diff", "-f", "-"], { input: webYaml("a:3") });
  assert.equal(changed.code, 1);
  assert.match(changed.stdout, /^-.*image: a:2$[\s\S]*^\+.*image: a:3$/m);
});

each("apply shows and edits what was applied last", async (c) => {
  const { k } = c;
  assert.match(await k.ok(["apply", "view-last-applied", "deploy/web"]), /image: a:2/);
  await k.ok(["apply", "edit-last-applied", "deploy/web"], await editor(c, "s/a:2/a:9/"));
  assert.match(await k.ok(["apply", "view-last-applied", "deploy/web"]), /image: a:9/);
  const input = webYaml("a:4");
  await k.ok(["apply", "set-last-applied", "-f", "-"], { input });
  assert.match(await k.ok(["apply", "view-last-applied", "deploy/web"]), /image: a:4/);
});

each("apply --prune takes out what is no longer in the set", async ({ k, version }) => {
  const map = (name: string) =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}, labels: {set: s}}\n---\n`;
  const only =
    version === "1.35"
      ? "--prune-allowlist=core/v1/ConfigMap"
      : "--prune-whitelist=core/v1/ConfigMap";
  const apply = (input: string) =>
    k.ok(["apply", "-f", "-", "--prune", "-l=set=s", only], { input });
  await apply(map("p1") + map("p2"));
  assert.match(await apply(map("p2")), /configmap\/p1 pruned/);
  assert.equal(await k.ok(["get", "cm", "-l=set=s", "-o=name"]), "configmap/p2\n");
});

each("apply --server-side owns, conflicts, and takes by force", async ({ get, k }) => {
  const apply = (by: string, value: string, ...more: readonly string[]) =>
    k.run(["apply", "--server-side", `--field-manager=${by}`, ...more, "-f", "-"], {
      input: `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: owned}\ndata: {a: "${value}"}\n`,
    });
  assert.match((await apply("one", "1")).stdout, /serverside-applied/);
  const refused = await apply("two", "2");
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /conflict with "one"[\s\S]*\.data\.a/);
  assert.equal((await apply("two", "2", "--force-conflicts")).code, 0);
  assert.equal(await get("cm owned", "{.data.a}"), "2");
});

each(
  "kustomize builds, and -k applies, diffs and deletes",
  async ({ get, k, namespace, server }) => {
    const folder = join(server.directory, `kustom-${namespace}`);
    await mkdir(folder);
    await writeFile(join(folder, "web.yaml"), webYaml("k:1", "kustom"));
    await writeFile(
      join(folder, "kustomization.yaml"),
      `resources: [web.yaml]\nnamePrefix: my-\nnamespace: ${namespace}\nimages: [{name: k, newTag: "7"}]\nconfigMapGenerator: [{name: gen, literals: [a=b]}]\n`,
    );
    assert.match(await k.ok(["kustomize", folder]), /image: k:7/);
    assert.match(
      await k.ok(["apply", "-k", folder]),
      /configmap\/my-gen-\w+ created[\s\S]*my-kustom created/,
    );
    assert.equal(await get("deploy my-kustom", IMAGES), "k:7 side");
    assert.equal(await k.ok(["diff", "-k", folder]), "");
    assert.match(await k.ok(["delete", "-k", folder]), /"my-kustom" deleted/);
  },
);

each("edit writes what the editor left, and nothing when it left it so", async (c) => {
  const { get, k } = c;
  assert.match(
    await k.ok(["edit", "deploy", "web"], await editor(c, "s/replicas: 2/replicas: 3/")),
    /edited/,
  );
  assert.equal(await get("deploy web", "{.spec.replicas}"), "3");
  const same = await k.run(["edit", "deploy", "web"], await editor(c, ""));
  assert.match(same.stderr + same.stdout, /Edit cancelled, no changes made/);
  const wrong = await k.run(
    ["edit", "deploy", "web"],
    await editor(c, "s/replicas: 3/replicas: -3/"),
  );
  assert.equal(wrong.code, 1);
  // It shows the reason in the file that it opens again, and says on its own only that much.
  assert.match(wrong.stderr, /deployments.apps "web" is invalid/);
});

newer("edit --subresource=status", async (c) => {
  const { get, k } = c;
  await k.ok(["create", "-f", "-"], {
    input: "apiVersion: v1\nkind: Node\nmetadata: {name: edited}\n",
  });
  await k.ok([
    "patch",
    "node",
    "edited",
    "--subresource=status",
    "--type=merge",
    '-p={"status":{"phase":"Pending"}}',
  ]);
  await k.ok(
    ["edit", "node", "edited", "--subresource=status"],
    await editor(c, "s/phase: Pending/phase: Running/"),
  );
  assert.equal(await get("node edited", "{.status.phase}"), "Running");
  await k.ok(["delete", "node", "edited"]);
});

each(
  "patch by each of the three kinds, from words and from a file",
  async ({ get, k, namespace, server }) => {
    await k.ok([
      "patch",
      "deploy",
      "web",
      '-p={"spec":{"template":{"spec":{"containers":[{"name":"side","image":"s:2"}]}}}}',
    ]);
    assert.equal(await get("deploy web", IMAGES), "a:2 s:2");
    await k.ok(["patch", "deploy/web", "--type=merge", '-p={"spec":{"minReadySeconds":1}}']);
    const remove =
      '-p=[{"op":"test","path":"/spec/minReadySeconds","value":1},{"op":"remove","path":"/metadata/labels/app"}]';
    await k.ok(["patch", "deploy/web", "--type=json", remove]);
    assert.equal(await get("deploy web", "{.spec.minReadySeconds} {.metadata.labels}"), "1 ");
    const failed = await k.run(["patch", "deploy/web", "--type=json", remove]);
    assert.equal(failed.code, 1);
    const manifest = join(server.directory, `${namespace}-map.yaml`);
    await writeFile(manifest, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: owned}\n");
    await k.ok(["patch", "-f", manifest, '-p={"data":{"b":"3"}}']);
    assert.equal(await get("cm owned", "{.data.b}"), "3");
    assert.match(await k.ok(["patch", "cm", "owned", '-p={"data":{"b":"3"}}']), /\(no change\)/);
  },
);

newer("patch and get of sub-resources", async ({ get, k }) => {
  await k.ok([
    "patch",
    "deploy",
    "web",
    "--subresource=scale",
    "--type=merge",
    '-p={"spec":{"replicas":4}}',
  ]);
  assert.equal(await get("deploy/web --subresource=scale", "{.spec.replicas}"), "4");
});

each("replace writes the whole object, or makes it anew by force", async ({ get, k }) => {
  await k.ok(["create", "-f", "-"], { input: webYaml("r:1", "replaced") });
  const uid = await get("deploy replaced", "{.metadata.uid}");
  assert.match(
    await k.ok(["replace", "-f", "-"], { input: webYaml("r:2", "replaced") }),
    /replaced/,
  );
  assert.equal(await get("deploy replaced", `${IMAGES}`), "r:2 side");
  assert.equal(await get("deploy replaced", "{.metadata.uid}"), uid);
  await k.ok(["replace", "--force", "-f", "-"], { input: webYaml("r:3", "replaced") });
  assert.notEqual(await get("deploy replaced", "{.metadata.uid}"), uid);
  const missing = await k.run(["replace", "-f", "-"], { input: webYaml("r:1", "nowhere") });
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /deployments.apps "nowhere" not found/);
  const stale = JSON.parse(await k.ok(["get", "cm", "owned", "-o=json"]));
  stale.metadata.resourceVersion = "1";
  const conflict = await k.run(["replace", "-f", "-"], { input: JSON.stringify(stale) });
  assert.equal(conflict.code, 1);
  assert.match(conflict.stderr, /\(Conflict\).*the object has been modified/);
});

each("label and annotate add, refuse, overwrite and remove", async ({ get, k }) => {
  for (const [verb, field] of [
    ["label", "labels"],
    ["annotate", "annotations"],
  ] as const) {
    await k.ok(["create", "configmap", `${verb}d`]);
    assert.match(
      await k.ok([verb, "cm", `${verb}d`, "tier=front", "x=y"]),
      new RegExp(`${verb.replace(/e$/, "")}(l|e)?ed`),
    );
    const refused = await k.run([verb, "cm", `${verb}d`, "tier=back"]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /already has a value \(front\)/);
    await k.ok([verb, "cm", `${verb}d`, "tier=back", "--overwrite"]);
    await k.ok([verb, "cm", `${verb}d`, "x-"]);
    assert.equal(await get(`cm ${verb}d`, `{.metadata.${field}}`), '{"tier":"back"}');
    assert.match(await k.ok([verb, "cm", `${verb}d`, "--list"]), /tier=back/);
  }
  const wrong = await k.run(["label", "cm", "labeld", "no spaces=x"]);
  assert.equal(wrong.code, 1);
});

each("scale counts, only if there were as many as said", async ({ get, k }) => {
  assert.match(await k.ok(["scale", "deploy/web", "--replicas=5"]), /scaled/);
  assert.match(
    await k.ok(["scale", "deploy", "web", "--current-replicas=5", "--replicas=1"]),
    /scaled/,
  );
  const refused = await k.run(["scale", "deploy/web", "--current-replicas=5", "--replicas=9"]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /Expected replicas to be 5, was 1/i);
  assert.equal(await get("deploy web", "{.spec.replicas}"), "1");
});

each("set image, env, resources and serviceaccount change the template", async ({ get, k }) => {
  const main = ".spec.template.spec.containers[0]";
  await k.ok(["create", "configmap", "settings", "--from-literal=SIZE=7"]);
  assert.match(await k.ok(["set", "image", "deploy/web", "main=b:1", "side=s:3"]), /image updated/);
  await k.ok(["set", "image", "deploy", "--all", "side=s:4"]);
  await k.ok(["set", "env", "deploy/web", "-c=main", "A=1", "B=2"]);
  await k.ok(["set", "env", "deploy/web", "-c=main", "B-", "--from=configmap/settings"]);
  await k.ok([
    "set",
    "resources",
    "deploy/web",
    "-c=main",
    "--limits=cpu=200m,memory=64Mi",
    "--requests=cpu=100m",
  ]);
  await k.ok(["create", "serviceaccount", "keeper"]);
  await k.ok(["set", "serviceaccount", "deploy/web", "keeper"]);
  assert.equal(await get("deploy web", IMAGES), "b:1 s:4");
  assert.equal(
    await get("deploy web", `{${main}.env[*].name} {${main}.env[1].valueFrom.configMapKeyRef.key}`),
    "A SIZE SIZE",
  );
  assert.equal(
    await get("deploy web", `{${main}.resources}`),
    '{"limits":{"cpu":"200m","memory":"64Mi"},"requests":{"cpu":"100m"}}',
  );
  assert.equal(await get("deploy web", "{.spec.template.spec.serviceAccountName}"), "keeper");
  assert.match(await k.ok(["set", "env", "deploy/web", "--list"]), /^A=1$/m);
});

each("set selector and subject", async ({ get, k }) => {
  await k.ok(["create", "service", "clusterip", "chosen", "--tcp=80"]);
  await k.ok(["set", "selector", "service", "chosen", "app=web,tier=front"]);
  assert.equal(await get("svc chosen", "{.spec.selector}"), '{"app":"web","tier":"front"}');
  await k.ok(["create", "rolebinding", "views", "--clusterrole=view", "--user=eve"]);
  await k.ok([
    "set",
    "subject",
    "rolebinding",
    "views",
    "--group=team",
    "--serviceaccount=default:robot",
  ]);
  assert.equal(await get("rolebinding views", "{.subjects[*].name}"), "eve team robot");
});

/** Options for a run whose editor is `sed` with that expression. */
async function editor({ namespace, server }: KubectlCase, expression: string) {
  const path = join(server.directory, `editor-${namespace}.sh`);
  await writeFile(path, `#!/bin/sh\nsed -i '${expression}' "$1"\n`);
  await chmod(path, 0o755);
  // It keeps a copy of what it could not write.
  return { env: { KUBE_EDITOR: path, TMPDIR: server.directory } };
}
