/** What people see of admission through the real kubectl: denials and warnings. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestServer, type TestServer } from "../harness/api-server.ts";
import { type Kubectl, kubectl } from "../harness/kubectl.ts";

const TIMEOUT = { timeout: 60_000 };

let server: TestServer;
let k: Kubectl;

before(async () => {
  server = await startTestServer();
  k = await kubectl(server.kubeconfig, server.directory);
}, TIMEOUT);

after(() => server[Symbol.asyncDispose](), TIMEOUT);

function podYaml(name: string, spec = ""): string {
  return `apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  ${spec}
  containers:
  - {name: c, image: x}
`;
}

test("a namespace's labels keep its pods to a level", TIMEOUT, async () => {
  await k.ok(["create", "namespace", "secure"]);
  const made = await k.run(["create", "-n", "secure", "-f", "-"], {
    input: podYaml("host", "hostPID: true"),
  });
  assert.deepEqual([made.code, made.stderr], [0, ""]);
  const label = (...labels: string[]) =>
    k.run([
      "label",
      "ns",
      "secure",
      "--overwrite",
      ...labels.map((l) => `pod-security.kubernetes.io/${l}`),
    ]);
  const strict = await label("enforce=restricted");
  assert.equal(strict.code, 0);
  assert.deepEqual(strict.stderr.trim().split("\n"), [
    'Warning: existing pods in namespace "secure" violate the new PodSecurity enforce level "restricted:latest"',
    "Warning: host: allowPrivilegeEscalation != false, unrestricted capabilities, host namespaces, runAsNonRoot != true, seccompProfile",
  ]);
  const pod = await k.run(["create", "-n", "secure", "-f", "-"], { input: podYaml("x") });
  assert.equal(pod.code, 1);
  assert.equal(
    pod.stderr.trim(),
    'Error from server (Forbidden): error when creating "STDIN": pods "x" is forbidden: violates PodSecurity "restricted:latest": ' +
      'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), ' +
      'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), ' +
      'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), ' +
      'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
  );
  const workload = await k.run(["create", "-n", "secure", "deployment", "web", "--image=x"]);
  assert.equal(workload.code, 0);
  assert.match(
    workload.stderr,
    /^Warning: would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false \(container "x" must/,
  );
  // What is there may be relabelled: only what it runs is judged anew.
  await k.ok(["label", "-n", "secure", "pod/host", "a=b"]);
  const bad = await label("enforce=hard");
  assert.equal(
    bad.stderr.trim(),
    'The Namespace "secure" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "hard": must be one of privileged, baseline, restricted',
  );
  assert.equal((await label("enforce=baseline", "enforce-version=v1.30")).code, 0);
  const plain = await k.run(["create", "-n", "secure", "-f", "-"], { input: podYaml("x") });
  assert.deepEqual([plain.code, plain.stderr], [0, ""]);
});

test("a validating policy denies or warns in the words that people know", TIMEOUT, async () => {
  const policy = `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: replicas}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}
  validations:
  - {expression: "object.spec.replicas <= 2"}
`;
  const binding = (action: string) => `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: everywhere}
spec: {policyName: replicas, validationActions: [${action}]}
`;
  await k.ok(["apply", "-f", "-"], { input: `${policy}---\n${binding("Warn")}` });
  const deploy = () =>
    k.run(["create", "deployment", "many", "--image=x", "--replicas=3", "--dry-run=server"]);
  const warned = await deploy();
  assert.equal(warned.code, 0);
  assert.equal(
    warned.stderr,
    "Warning: Validation failed for ValidatingAdmissionPolicy 'replicas' with binding 'everywhere': failed expression: object.spec.replicas <= 2\n",
  );
  await k.ok(["apply", "-f", "-"], { input: binding("Deny") });
  const denied = await deploy();
  assert.equal(denied.code, 1);
  assert.equal(
    denied.stderr,
    `error: failed to create deployment: deployments.apps "many" is forbidden: ValidatingAdmissionPolicy 'replicas' with binding 'everywhere' denied request: failed expression: object.spec.replicas <= 2\n`,
  );
  assert.match(
    await k.ok(["get", "validatingadmissionpolicies"]),
    /^NAME +VALIDATIONS +PARAMKIND +AGE\nreplicas +1 +<unset> +/,
  );
  assert.match(
    await k.ok(["get", "validatingadmissionpolicybindings"]),
    /^NAME +POLICYNAME +PARAMREF +AGE\neverywhere +replicas +<unset> +/,
  );
});
