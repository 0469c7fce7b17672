/** Images for tests, made from programs of this machine and of Debian's packages, without a registry. */
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { buildExampleImages } from "../../examples/images/build.ts";
import { type LayerFile, writeImage, writeLayer } from "../../examples/images/oci-archive.ts";
import { mustRun } from "./run.ts";

const CACHE = new URL("../../node_modules/.cache/naru-test-images", import.meta.url).pathname;

export const BUSYBOX = "naru.example/busybox:1";
export const REDIS = "naru.example/redis:1";

/** Archives of the hello application, v1 and v2. */
export function helloImages(): Promise<string[]> {
  return buildExampleImages(CACHE);
}

/** A shell with the usual tools, a small web server among them. */
export async function busyboxImage(): Promise<string> {
  const applets = ["sh", "cat", "dd", "echo", "grep", "head", "httpd", "id", "ls", "mkdir", "nc"];
  const more = ["nslookup", "seq", "sleep", "stty", "tail", "tar", "tee", "touch", "true", "wget"];
  return build("busybox", BUSYBOX, ["/bin/sh"], () =>
    Promise.resolve([
      { path: "bin/busybox", copyOf: "/bin/busybox", mode: 0o755 },
      ...[...applets, ...more].map((name) => ({ path: `bin/${name}`, linkTo: "busybox" })),
      { path: "etc/passwd", content: "root:x:0:0:root:/:/bin/sh\n" },
      { path: "tmp/.keep", content: "" },
    ]),
  );
}

/** Debian's redis-server and redis-cli with their libraries; the packages are unpacked, not installed. */
export async function redisImage(): Promise<string> {
  return build("redis", REDIS, ["/usr/bin/redis-server"], async () => {
    const root = join(CACHE, "redis-root");
    const archives = join(CACHE, "redis-packages");
    mkdirSync(join(archives, "partial"), { recursive: true });
    await mustRun([
      ...["apt-get", "install", "-y", "-q", "--download-only", "--reinstall"],
      ...["--no-install-recommends", "-o", `Dir::Cache::archives=${archives}`],
      ...["redis-server", "redis-tools"],
    ]);
    for (const file of readdirSync(archives).filter((name) => name.endsWith(".deb")))
      await mustRun(["dpkg", "-x", join(archives, file), root]);
    rmSync(archives, { recursive: true });
    return filesOfRedis(root);
  });
}

async function filesOfRedis(root: string): Promise<LayerFile[]> {
  // Debian's redis-server is the same program as redis-check-rdb, of the package redis-tools.
  const server = join(root, "usr/bin/redis-check-rdb");
  const client = join(root, "usr/bin/redis-cli");
  const libraries = new Map<string, string>();
  for (const program of [server, client]) {
    const listing = await mustRun(["ldd", program], {
      env: { LD_LIBRARY_PATH: `${root}/usr/lib/x86_64-linux-gnu:${root}/lib/x86_64-linux-gnu` },
    });
    for (const [, path = ""] of listing.matchAll(/(\/\S+) \(0x/g))
      libraries.set(path.replace(root, ""), path);
  }
  return [
    { path: "usr/bin/redis-server", copyOf: server, mode: 0o755 },
    { path: "usr/bin/redis-cli", copyOf: client, mode: 0o755 },
    ...[...libraries].map(([path, copyOf]) => ({ path: path.slice(1), copyOf, mode: 0o755 })),
    { path: "etc/passwd", content: "root:x:0:0:root:/:/bin/sh\n" },
  ];
}

async function build(
  file: string,
  name: string,
  entrypoint: readonly string[],
  files: () => Promise<LayerFile[]>,
): Promise<string> {
  const path = join(CACHE, `${file}.tar`);
  if (existsSync(path)) return path;
  mkdirSync(CACHE, { recursive: true });
  const layerPath = join(CACHE, `${file}-${process.pid}.layer`);
  const layer = await writeLayer(layerPath, await files());
  await writeImage(path, {
    name,
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
    entrypoint,
    env: ["PATH=/usr/bin:/bin"],
    layers: [layer],
  });
  rmSync(layerPath);
  return path;
}
