/** CSI's kinds, as drivers' installers and the real kubectl use them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestServer } from "../harness/api-server.ts";
import { kubectl } from "../harness/kubectl.ts";

const GROUP = { apiVersion: "storage.k8s.io/v1" };
const OBJECTS = [
  { ...GROUP, kind: "CSIDriver", metadata: { name: "csi.example.com" }, spec: {} },
  {
    ...GROUP,
    kind: "CSINode",
    metadata: { name: "n1" },
    spec: { drivers: [{ name: "csi.example.com", nodeID: "1", topologyKeys: [] }] },
  },
  {
    ...GROUP,
    kind: "CSIStorageCapacity",
    metadata: { name: "here" },
    storageClassName: "fast",
    capacity: "10Gi",
  },
  {
    ...GROUP,
    kind: "VolumeAttachment",
    metadata: { name: "a" },
    spec: {
      attacher: "csi.example.com",
      nodeName: "n1",
      source: { persistentVolumeName: "v" },
    },
  },
  {
    ...GROUP,
    kind: "VolumeAttributesClass",
    metadata: { name: "gold" },
    driverName: "csi.example.com",
    parameters: { iops: "100" },
  },
];

/** What kubectl shows of each. */
const SHOWN: Readonly<Record<string, RegExp>> = {
  csidrivers:
    /^NAME\s+ATTACHREQUIRED.*MODES\s+AGE\ncsi\.example\.com\s+true\s+false\s+false\s+<unset>\s+false\s+Persistent\s/,
  csinodes: /^NAME\s+DRIVERS\s+AGE\nn1\s+1\s/,
  csistoragecapacities: /^NAME\s+STORAGECLASSNAME\s+CAPACITY\nhere\s+fast\s+10Gi/,
  volumeattachments:
    /^NAME\s+ATTACHER\s+PV\s+NODE\s+ATTACHED\s+AGE\na\s+csi\.example\.com\s+v\s+n1\s+false\s/,
  vac: /^NAME\s+DRIVERNAME\s+AGE\ngold\s+csi\.example\.com\s/,
};

test("CSI's kinds are kept, shown, and said to be no more than kept", async () => {
  await using server = await startTestServer();
  const user = await kubectl(server.kubeconfig, server.directory);
  const input = OBJECTS.map((each) => JSON.stringify(each)).join("\n---\n");
  const { code, stderr } = await user.run(["apply", "-f", "-"], { input });
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^Warning: CSIDriver is stored, but no node here runs CSI drivers$/m);
  assert.match(stderr, /^Warning: VolumeAttachment is stored, but nothing here attaches volumes$/m);
  for (const [plural, shown] of Object.entries(SHOWN))
    assert.match(await user.ok(["get", plural]), shown);
  await user.ok([
    "patch",
    "volumeattachment",
    "a",
    "--subresource=status",
    "--type=merge",
    "-p",
    '{"status":{"attached":true}}',
  ]);
  const attached = "jsonpath={.status.attached}";
  assert.equal(await user.ok(["get", "volumeattachment", "a", "-o", attached]), "true");
  const change = ["patch", "vac", "gold", "-p", '{"driverName":"other.example.com"}'];
  assert.match(
    (await user.run(change)).stderr,
    /driverName: Forbidden: updates to driverName are forbidden\./,
  );
});
