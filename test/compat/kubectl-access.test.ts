/** Who may do what, as kubectl asks and says it: auth, certificate, config, and users of its own. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { useBothKubectls } from "../harness/both-kubectls.ts";

const { each, newer } = useBothKubectls();
const run = promisify(execFile);

each("auth can-i answers by word and by exit code", async ({ k, namespace }) => {
  await k.ok(["create", "role", "reader", "--verb=get,list", "--resource=pods,pods/log"]);
  await k.ok([
    "create",
    "rolebinding",
    "reads",
    "--role=reader",
    "--user=eve",
    `--serviceaccount=${namespace}:default`,
  ]);
  const can = (...args: readonly string[]) => k.run(["auth", "can-i", ...args]);
  assert.deepEqual(await can("create", "deployments"), { code: 0, stdout: "yes\n", stderr: "" });
  assert.equal((await can("get", "pods", "--as=eve")).stdout, "yes\n");
  assert.equal((await can("get", "pods", "--subresource=log", "--as=eve")).stdout, "yes\n");
  assert.equal(
    (await can("list", "pods", `--as=system:serviceaccount:${namespace}:default`)).code,
    0,
  );
  for (const no of [
    ["delete", "pods"],
    ["get", "secrets/hidden"],
    ["get", "/metrics"],
    ["*", "*"],
  ]) {
    const { code, stdout } = await can(...no, "--as=eve");
    assert.equal(code, 1, no.join(" "));
    assert.match(stdout, /^no\b/);
  }
  assert.equal(
    (await can("get", "pods", "--as=nobody", "--as-group=system:masters", "-q")).code,
    0,
  );
});

each("auth can-i --list shows the rules", async ({ k }) => {
  assert.match(
    await k.ok(["auth", "can-i", "--list", "--as=eve"]),
    /pods\s+\[\]\s+\[\]\s+\[get list\]/,
  );
});

each("config view hides secrets", async ({ k }) => {
  assert.match(await k.ok(["config", "view"]), /client-key-data: (REDACTED|DATA\+OMITTED)/);
});

newer("auth whoami", async ({ k }) => {
  assert.match(
    await k.ok(["auth", "whoami"]),
    /Username\s+admin\nGroups\s+\[system:masters system:authenticated\]/,
  );
  const told = JSON.parse(await k.ok(["auth", "whoami", "-o=json", "--as=eve", "--as-group=team"]));
  assert.deepEqual(told.status.userInfo.groups, ["team", "system:authenticated"]);
});

each(
  "auth reconcile adds what is missing, and takes away when told",
  async ({ get, k, namespace, server }) => {
    const file = join(server.directory, `${namespace}-role.yaml`);
    const role = (verbs: string) =>
      writeFile(
        file,
        `apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: rec, namespace: ${namespace}}\nrules: [{apiGroups: [""], resources: [pods], verbs: [${verbs}]}]\n`,
      );
    await role("get");
    assert.match(await k.ok(["auth", "reconcile", "-f", file]), /rec reconciled/);
    await role("list");
    await k.ok(["auth", "reconcile", "-f", file]);
    assert.equal(await get("role rec", "{.rules[*].verbs[*]}"), "get list");
    await k.ok(["auth", "reconcile", "--remove-extra-permissions", "-f", file]);
    assert.equal(await get("role rec", "{.rules[*].verbs[*]}"), "list");
  },
);

each("certificate approve and deny decide requests", async ({ get, k, namespace, server }) => {
  const path = (end: string) => join(server.directory, `${namespace}.${end}`);
  await run("openssl", [
    "req",
    "-new",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-keyout",
    path("pem"),
    "-out",
    path("csr"),
    "-subj",
    "/O=team/CN=ann",
  ]);
  const request = (await readFile(path("csr"))).toString("base64");
  const named = (name: string) => `apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: ${name}}
spec: {request: ${request}, signerName: kubernetes.io/kube-apiserver-client, usages: [client auth]}
`;
  const [good, bad] = [`${namespace}-good`, `${namespace}-bad`];
  await k.ok(["create", "-f", "-"], { input: `${named(good)}---\n${named(bad)}` });
  assert.match(await k.ok(["certificate", "approve", good]), /approved/);
  assert.match(await k.ok(["certificate", "deny", bad]), /denied/);
  assert.equal(await get(`csr ${good}`, "{.status.conditions[*].type}"), "Approved");
  assert.equal(await get(`csr ${bad}`, "{.status.conditions[*].type}"), "Denied");
  assert.match(
    await k.ok(["get", "csr"]),
    new RegExp(`${bad}\\s+\\d+s\\s+kubernetes.io/kube-apiserver-client\\s+admin\\s.*Denied`),
  );
  const missing = await k.run(["certificate", "approve", "nobody"]);
  assert.equal(missing.code, 1);
});

// Debian's 1.20 panics whenever it writes a configuration, before it says a word to the server.
newer(
  "config writes users and contexts that the server knows",
  async ({ k, namespace, server }) => {
    const file = join(server.directory, `config-${namespace}`);
    await copyFile(server.kubeconfig, file);
    const own = (...args: readonly string[]) =>
      run(k.binary, args, { env: { ...process.env, KUBECONFIG: file } });
    const ann = await server.credential("ann");
    for (const [end, text] of [
      ["crt", ann.certificate],
      ["key", ann.key],
    ] as const)
      await writeFile(join(server.directory, `ann-${namespace}.${end}`), text);
    const prefix = join(server.directory, `ann-${namespace}`);
    await own(
      "config",
      "set-credentials",
      "ann",
      `--client-certificate=${prefix}.crt`,
      `--client-key=${prefix}.key`,
    );
    await own(
      "config",
      "set-context",
      "mine",
      "--cluster=naru",
      "--user=ann",
      `--namespace=${namespace}`,
    );
    assert.match((await own("config", "get-contexts")).stdout, /mine\s+naru\s+ann/);
    await own("config", "use-context", "mine");
    assert.equal((await own("config", "current-context")).stdout, "mine\n");
    const denied = await own("get", "pods").catch((error: { stderr: string }) => error);
    assert.match(
      denied.stderr,
      new RegExp(
        `pods is forbidden: User "ann" cannot list resource "pods" in API group "" in the namespace "${namespace}"`,
      ),
    );
    await k.ok(["create", "rolebinding", "ann", "--clusterrole=view", "--user=ann"]);
    assert.match((await own("get", "pods")).stderr, /No resources found/);
    assert.match(
      (await own("config", "view", "--minify")).stdout,
      new RegExp(`namespace: ${namespace}`),
    );
    await own("config", "unset", "contexts.mine.namespace");
    await own("config", "delete-context", "mine");
  },
);
