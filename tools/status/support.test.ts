import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pods } from "#resources";
import { pluginsServed } from "./admission-plugins.ts";
import { kubernetesResources, supportOf } from "./support.ts";

const shared = process.env["NARU_SHARED"] ?? join(import.meta.dirname, "../../../shared");
const index = join(shared, "kubernetes-api/facts/index.json");

const POD = {
  apiVersion: "v1",
  plural: "pods",
  kind: "Pod",
  subresources: ["log"],
  verbs: ["get", "list"],
};

test("supportOf() says yes when nothing is missing", () => {
  assert.equal(supportOf(POD, [pods]).support, "yes");
});

test("supportOf() names verbs and sub-resources that are missing", () => {
  const wanted = { ...POD, subresources: ["log", "dance"], verbs: ["get", "jump"] };
  const { support, missing } = supportOf(wanted, [pods]);
  assert.equal(support, "partial");
  assert.deepEqual(missing, ["jump", "/dance"]);
});

test("supportOf() says no to another version", () => {
  assert.equal(supportOf({ ...POD, apiVersion: "v2" }, [pods]).support, "no");
});

test("pluginsServed() refuses to name what is not there", () => {
  assert.throws(() => pluginsServed(""), /AlwaysAdmit: there is no alwaysAdmit/);
});

test("the list has every kind of the facts table", { skip: !existsSync(index) }, () => {
  const { groupVersions } = JSON.parse(readFileSync(index, "utf8")) as {
    readonly groupVersions: readonly {
      readonly group: string;
      readonly version: string;
      readonly kinds: Readonly<Record<string, { genclient?: boolean; removed?: string }>>;
    }[];
  };
  const inFacts = groupVersions.flatMap(({ group, version, kinds }) =>
    Object.entries(kinds)
      .filter(([kind, { genclient }]) => genclient === true && kind !== "Eviction")
      .filter(([, { removed }]) => removed === undefined || minor(removed) > 36)
      .map(([kind]) => `${group === "" ? "" : `${group}/`}${version} ${kind}`),
  );
  const listed = kubernetesResources().map(({ apiVersion, kind }) => `${apiVersion} ${kind}`);
  const fromOtherPackages = [
    "v1 Binding",
    "apiextensions.k8s.io/v1 CustomResourceDefinition",
    "apiregistration.k8s.io/v1 APIService",
  ];
  assert.deepEqual(listed.toSorted(), [...inFacts, ...fromOtherPackages].toSorted());
});

function minor(version: string): number {
  return Number(version.split(".")[1]);
}
