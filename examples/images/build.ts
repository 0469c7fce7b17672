/**
 * Builds the example images out of what is on this machine, without a network: a base layer with Naru's own Node and
 * the libraries it is linked with, and a small one with the application. Usage: build.ts OUTPUT-DIRECTORY
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { arch } from "node:process";
import { type LayerFile, writeImage, writeLayer } from "./oci-archive.ts";

const VERSIONS = ["v1", "v2"] as const;
const APPLICATION = new URL("../hello/server.mjs", import.meta.url);

/** Makes `hello-v1.tar` and `hello-v2.tar` in `directory`, unless they are there. Returns their paths. */
export async function buildExampleImages(directory: string): Promise<string[]> {
  const archives = VERSIONS.map((version) => join(directory, `hello-${version}.tar`));
  if (archives.every((path) => existsSync(path))) return archives;
  mkdirSync(directory, { recursive: true });
  const basePath = join(directory, "base.layer");
  const base = await writeLayer(basePath, baseFiles());
  for (const [at, version] of VERSIONS.entries()) {
    const layerPath = join(directory, `hello-${version}.layer`);
    const application = await writeLayer(layerPath, [
      { path: "app/server.mjs", content: readFileSync(APPLICATION, "utf8") },
      { path: "app/version", content: version },
    ]);
    await writeImage(archives[at] ?? "", {
      name: `naru.example/hello:${version}`,
      architecture: arch === "arm64" ? "arm64" : "amd64",
      entrypoint: ["/usr/local/bin/node", "/app/server.mjs"],
      env: ["PATH=/usr/local/bin:/usr/bin:/bin"],
      workingDir: "/app",
      user: "1000:1000",
      labels: { "org.opencontainers.image.version": version },
      layers: [base, application],
    });
    rmSync(layerPath);
  }
  rmSync(basePath);
  return archives;
}

function baseFiles(): LayerFile[] {
  const node = process.execPath;
  return [
    {
      path: "etc/passwd",
      content: "root:x:0:0:root:/:/sbin/nologin\nweb:x:1000:1000:web:/app:/sbin/nologin\n",
    },
    { path: "etc/group", content: "root:x:0:\nweb:x:1000:\n" },
    { path: "usr/local/bin/node", copyOf: node, mode: 0o755 },
    ...librariesOf(node),
  ];
}

/** The shared libraries and the loader that a program of this machine needs, under the names it asks for. */
function librariesOf(program: string): LayerFile[] {
  const listing = execFileSync("ldd", [program], { encoding: "utf8" });
  return [...listing.matchAll(/(\/\S+) \(0x/g)].map(([, path = ""]) => ({
    path: path.slice(1),
    copyOf: path,
    mode: 0o755,
  }));
}

if (import.meta.main) {
  for (const path of await buildExampleImages(process.argv[2] ?? ".")) {
    process.stdout.write(`${path}\n`);
  }
}
