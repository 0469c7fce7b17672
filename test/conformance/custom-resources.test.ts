/** Custom resources as the real kubectl uses them, against a server on loopback. */
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

const DEFINITION = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.shop.example.com}
spec:
  group: shop.example.com
  scope: Namespaced
  names: {plural: widgets, kind: Widget, shortNames: [wd], categories: [all]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas, labelSelectorPath: .status.selector}
    selectableFields: [{jsonPath: .spec.color}]
    additionalPrinterColumns:
    - {name: Color, type: string, jsonPath: .spec.color}
    - {name: Ready, type: string, priority: 1, jsonPath: '.status.conditions[?(@.type=="Ready")].status'}
    schema:
      openAPIV3Schema:
        type: object
        description: A thing that is sold.
        required: [spec]
        properties:
          spec:
            type: object
            required: [color]
            properties:
              color: {type: string, enum: [red, blue], description: How it looks.}
              replicas: {type: integer, minimum: 0, maximum: 10, default: 1}
          status:
            type: object
            properties:
              replicas: {type: integer}
              selector: {type: string}
              conditions:
                type: array
                items: {type: object, properties: {type: {type: string}, status: {type: string}}}
`;

function widget(name: string, spec: string): string {
  return `apiVersion: shop.example.com/v1\nkind: Widget\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
}

const apply = (input: string) => k.ok(["apply", "-f", "-"], { input });
const create = (input: string, ...more: readonly string[]) =>
  k.run(["create", "-f", "-", ...more], { input });

test("a kind that nobody defined is named as such", TIMEOUT, async () => {
  const { stderr } = await k.run(["get", "widgets"]);
  assert.match(stderr, /the server doesn't have a resource type "widgets"/);
});

test("a definition is established, and its objects are kept as any others", TIMEOUT, async () => {
  assert.match(await apply(DEFINITION), /widgets.shop.example.com created/);
  await k.ok(["wait", "--for=condition=Established", "crd/widgets.shop.example.com"]);
  assert.match(await apply(widget("one", "{color: red}")), /widget.shop.example.com\/one created/);
  assert.match(await apply(widget("one", "{color: red}")), /unchanged/);
  assert.match(await apply(widget("one", "{color: blue}")), /configured/);
  assert.match(await k.ok(["label", "wd", "one", "tier=front"]), /labeled/);
  const path = "{.spec.color} {.spec.replicas} {.metadata.generation}";
  assert.equal(await k.ok(["get", "wd", "one", "-o", `jsonpath=${path}`]), "blue 1 2");
});

test("a definition and its objects may come in one file, applied twice", TIMEOUT, async () => {
  const gadgets = DEFINITION.replaceAll("widget", "gadget")
    .replaceAll("Widget", "Gadget")
    .replaceAll("wd", "gd")
    .replace(", categories: [all]", "");
  const gadget = widget("one", "{color: red}").replace("Widget", "Gadget");
  const input = `${gadgets}---\n${gadget}`;
  // kubectl looks up every kind before it sends anything, so the first time it says so of the object.
  const { stderr } = await k.run(["apply", "-f", "-"], { input });
  assert.match(stderr, /ensure CRDs are installed first/);
  assert.match(await apply(input), /gadget.shop.example.com\/one created/);
  await k.ok(["delete", "crd", "gadgets.shop.example.com"]);
});

test(
  "tables have the definition's columns, and lists can be selected by its fields",
  TIMEOUT,
  async () => {
    assert.match(await k.ok(["get", "widgets"]), /^NAME +COLOR\none +blue\n$/);
    assert.match(await k.ok(["get", "widgets", "-o", "wide"]), /^NAME +COLOR +READY\n/);
    assert.match(await k.ok(["get", "all"]), /widget.shop.example.com\/one/);
    assert.match(await k.ok(["get", "wd", "--field-selector=spec.color=blue"]), /one/);
    assert.equal(await k.ok(["get", "wd", "--field-selector=spec.color=red", "-o", "name"]), "");
    const { stderr } = await k.run(["get", "wd", "--field-selector=spec.size=1"]);
    assert.match(stderr, /field label not supported: spec.size/);
    assert.match(await k.ok(["get", "crd"]), /^NAME +CREATED AT\nwidgets.shop.example.com +\d{4}-/);
  },
);

test("what does not fit the schema is refused, field by field", TIMEOUT, async () => {
  const strict = await create(widget("bad", "{color: red, size: 1}"));
  assert.match(strict.stderr, /strict decoding error: unknown field "spec.size"/);
  const warned = await create(widget("pruned", "{color: red, size: 1}"), "--validate=warn");
  assert.match(warned.stderr, /Warning: unknown field "spec.size"/);
  assert.equal(await k.ok(["get", "wd", "pruned", "-o", "jsonpath={.spec.size}"]), "");
  const invalid = await create(widget("bad", "{color: pink, replicas: 11}"));
  assert.match(
    invalid.stderr,
    /spec.color: Unsupported value: "pink": supported values: "red", "blue"/,
  );
  assert.match(invalid.stderr, /spec.replicas in body should be less than or equal to 10/);
  assert.match((await create(widget("bad", "{}"))).stderr, /spec.color: Required value/);
  const unstructural = await create(DEFINITION.replace("color: {type: string,", "color: {"));
  assert.match(unstructural.stderr, /properties\[color\].type: Required value/);
});

test("status and scale are routes of their own", TIMEOUT, async () => {
  await k.ok(["scale", "wd/one", "--replicas=3"]);
  const body = '{"status":{"replicas":2,"selector":"a=b"},"spec":{"color":"red"}}';
  await k.ok(["patch", "wd", "one", "--type=merge", "--subresource=status", "-p", body]);
  const path = "{.spec.color} {.spec.replicas} {.status.replicas}";
  assert.equal(await k.ok(["get", "wd", "one", "-o", `jsonpath=${path}`]), "blue 3 2");
  const scale = ["get", "wd", "one", "--subresource=scale", "-o"];
  const shown = await k.ok([
    ...scale,
    "jsonpath={.spec.replicas} {.status.replicas} {.status.selector}",
  ]);
  assert.equal(shown, "3 2 a=b");
  await k.ok([
    "patch",
    "wd",
    "one",
    "--type=json",
    "-p",
    '[{"op":"replace","path":"/spec/color","value":"red"}]',
  ]);
  const strategic = await k.run(["patch", "wd", "one", "-p", '{"spec":{"color":"blue"}}']);
  assert.match(
    strategic.stderr,
    /strategic-merge-patch\+json is not supported by shop.example.com/,
  );
});

test("custom objects are edited, and applied on the server's side", TIMEOUT, async () => {
  const env = { EDITOR: "sed -i s/red/blue/" };
  assert.match(await k.ok(["edit", "wd", "one"], { env }), /widget.shop.example.com\/one edited/);
  const serverSide = (manager: string, input: string, ...more: readonly string[]) =>
    k.run(["apply", "--server-side", "--field-manager", manager, "-f", "-", ...more], { input });
  const mine = await serverSide("mine", widget("two", "{color: red}"));
  assert.match(mine.stdout, /serverside-applied/);
  const theirs = await serverSide("theirs", widget("two", "{color: blue}"));
  assert.match(theirs.stderr, /conflict with "mine": .spec.color/);
  assert.equal(
    (await serverSide("theirs", widget("two", "{color: blue}"), "--force-conflicts")).code,
    0,
  );
  assert.match(
    (await serverSide("mine", widget("two", "{size: 1}"))).stderr,
    /spec.size: field not declared in schema/,
  );
});

test("a kind's objects end before its definition does", TIMEOUT, async () => {
  const finalizers = (value: string) =>
    k.ok(["patch", "wd", "one", "--type=merge", "-p", `{"metadata":{"finalizers":${value}}}`]);
  await finalizers('["example.com/hold"]');
  await k.ok(["delete", "crd", "widgets.shop.example.com", "--wait=false"]);
  await k.ok(["wait", "--for=condition=Terminating", "crd/widgets.shop.example.com"]);
  assert.match((await create(widget("late", "{color: red}"))).stderr, /definition is terminating/);
  await finalizers("null");
  await k.ok(["wait", "--for=delete", "crd/widgets.shop.example.com"]);
  assert.notEqual((await k.run(["get", "widgets"])).code, 0);
});
