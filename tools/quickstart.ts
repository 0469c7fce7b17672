/**
 * From a fresh clone to a page served by three nodes: what a newcomer runs first. It drives the command line as a person
 * would, and may be run again at any time.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { request } from "node:http";
import { join } from "node:path";
import { buildExampleImages } from "../examples/images/build.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const NARU = join(ROOT, "bin/naru");
const MANIFEST = "examples/hello/hello.yaml";
const TRIES_MAX = 50;
const TRY_MS = 200;

const [dataDir = "/var/lib/naru"] = process.argv.slice(2);
const kubeconfig = join(dataDir, "kubeconfig");

step("Starting a cluster: one server and three nodes");
naru("up", "--nodes", "3", "--data-dir", dataDir);

step("Building the example images, from what is on this machine");
const archives = await buildExampleImages(join(ROOT, "dist/images"));

step("Loading them onto the nodes");
for (const archive of archives) naru("image", "import", archive, "--data-dir", dataDir);

step(`Applying ${MANIFEST}`);
naru("--kubeconfig", kubeconfig, "apply", "-f", join(ROOT, MANIFEST));
naru("--kubeconfig", kubeconfig, "rollout", "status", "deployment/hello", "--timeout", "60s");

step("Fetching the page through the Service");
const address = read("get", "service", "hello", "-o", "jsonpath={.spec.clusterIP}");
process.stdout.write(`http://${address}/ says: ${await fetchPage(address)}\n`);

const option = dataDir === "/var/lib/naru" ? "" : ` --kubeconfig ${kubeconfig}`;
process.stdout.write(`
It runs. What next?
  bin/naru${option} get pods -o wide
  bin/naru${option} set image deployment/hello web=naru.example/hello:v2 && bin/naru${option} rollout status deployment/hello
  bin/naru${option} logs -f deployment/hello
And when you have seen enough: bin/naru down${dataDir === "/var/lib/naru" ? "" : ` --data-dir ${dataDir}`}
`);

function step(what: string): void {
  process.stdout.write(`\n==> ${what}\n`);
}

function naru(...parameters: readonly string[]): void {
  const { status } = spawnSync(NARU, parameters, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

function read(...parameters: readonly string[]): string {
  return execFileSync(NARU, ["--kubeconfig", kubeconfig, ...parameters], { encoding: "utf8" });
}

/** The rules for a new service reach the nodes a moment after its pods are ready. */
async function fetchPage(host: string): Promise<string> {
  for (let tries = 1; ; tries++) {
    try {
      return (await page(host)).trim();
    } catch (error) {
      if (tries === TRIES_MAX) throw error;
      await new Promise((resolve) => {
        setTimeout(resolve, TRY_MS);
      });
    }
  }
}

function page(host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asking = request({ host, port: 80, timeout: 2000 }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      resolve(Buffer.concat(chunks).toString("utf8"));
    });
    asking.on("timeout", () => asking.destroy(new Error(`${host} does not answer`)));
    asking.on("error", reject);
    asking.end();
  });
}
