/** A real server of a Debian package, found by its name in the cluster's DNS; and a namespace that takes all with it. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import { REDIS, redisImage } from "../harness/images.ts";
import { clusterIp } from "../harness/questions.ts";
import { until } from "../harness/until.ts";

const TIMEOUT = { timeout: 90_000 };

let cluster: TestCluster;

before(async () => {
  cluster = await startCluster({ nodes: 2, images: [await redisImage()] });
}, TIMEOUT);

after(() => cluster?.[Symbol.asyncDispose](), TIMEOUT);

const SHOP = `apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cache, namespace: shop}
spec:
  selector: {matchLabels: {app: cache}}
  template:
    metadata: {labels: {app: cache}}
    spec:
      nodeName: node-1
      containers:
      - name: redis
        image: ${REDIS}
        args: [--protected-mode, "no", --dir, /data]
        ports: [{containerPort: 6379}]
        readinessProbe: {exec: {command: [redis-cli, ping]}, periodSeconds: 1}
        volumeMounts: [{name: data, mountPath: /data}]
      volumes: [{name: data, emptyDir: {}}]
---
apiVersion: v1
kind: Service
metadata: {name: cache, namespace: shop}
spec: {selector: {app: cache}, ports: [{port: 6379}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: shop}
spec:
  nodeName: node-2
  terminationGracePeriodSeconds: 0
  containers:
  - {name: main, image: ${REDIS}}
`;

test("a client on another node finds redis by its name", TIMEOUT, async () => {
  await cluster.apply(SHOP);
  await cluster.mustNaru(["-n", "shop", "rollout", "status", "deployment/cache"]);
  await cluster.mustNaru(["-n", "shop", "wait", "pod/client", "--for=condition=Ready"]);
  const redis = (host: string, ...command: string[]) =>
    cluster.mustNaru(["-n", "shop", "exec", "client", "--", "redis-cli", "-h", host, ...command]);
  await until("the name to be known", 10_000, () => redis("cache", "ping").then(isPong));
  assert.match(await redis("cache", "set", "fruit", "apple"), /OK/);
  assert.match(await redis("cache.shop.svc.cluster.local", "get", "fruit"), /apple/);
  const ip = await cluster.mustNaru(["-n", "shop", "get", "service", "cache", "-o", "name"]);
  assert.equal(ip.trim(), "service/cache");
});

test("deleting the namespace deletes all that was in it", TIMEOUT, async () => {
  await cluster.mustNaru(["delete", "namespace", "shop"]);
  const { stderr } = await cluster.naru(["get", "namespace", "shop"]);
  assert.match(stderr, /not found/);
  for (const kind of ["pods", "services", "deployments", "replicasets", "endpointslices"]) {
    const left = await cluster.mustNaru(["get", kind, "-n", "shop", "-o", "name"]);
    assert.equal(left.trim(), "", kind);
  }
  await assert.rejects(clusterIp(cluster, "cache"));
});

function isPong(text: string): boolean {
  return text.includes("PONG");
}
