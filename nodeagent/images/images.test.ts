import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { pack } from "tar-stream";
import { silentLogger } from "#lib/logger";
import { systemClock } from "#lib/system-clock";
import { ImageError } from "./image-service.ts";
import { Images } from "./images.ts";
import type { RegistryOptions } from "./registry/registry-client.ts";

const SIGNAL = new AbortController().signal;

/** A registry that holds blobs and tags in memory and speaks the pulling half of the distribution specification. */
class MemoryRegistry {
  readonly content = new Map<string, Buffer>();
  readonly tags = new Map<string, string>();
  /** Asked for before anything else when set. */
  token: string | undefined;
  readonly requests: string[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      const url = request.url ?? "";
      this.requests.push(url);
      if (url.startsWith("/token")) {
        response.end(JSON.stringify({ token: this.token }));
        return;
      }
      if (this.token !== undefined && request.headers.authorization !== `Bearer ${this.token}`) {
        const realm = `${this.host(true)}/token`;
        response.writeHead(401, { "www-authenticate": `Bearer realm="${realm}",service="test"` });
        response.end();
        return;
      }
      const [, kind, name = ""] = /^\/v2\/app\/(manifests|blobs)\/(.+)$/.exec(url) ?? [];
      const digest = kind === "manifests" ? (this.tags.get(name) ?? name) : name;
      const found = this.content.get(digest);
      response.statusCode = found === undefined ? 404 : 200;
      response.end(found);
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  host(withScheme = false): string {
    const { port } = this.#server.address() as AddressInfo;
    return `${withScheme ? "http://" : ""}127.0.0.1:${port}`;
  }

  put(bytes: Buffer): { digest: string; size: number } {
    const digest = sha256(bytes);
    this.content.set(digest, bytes);
    return { digest, size: bytes.length };
  }

  /** An image of these layers under a tag. */
  image(
    tag: string,
    layers: readonly { tar: Buffer; compression: "gzip" | "none" | "zstd" }[],
  ): void {
    const compress = { gzip: gzipSync, none: (tar: Buffer) => tar, zstd: zstdCompressSync };
    const suffix = { gzip: "+gzip", none: "", zstd: "+zstd" };
    const config = {
      os: "linux",
      architecture: "amd64",
      config: { Cmd: ["/hello"], Env: ["A=b"] },
      rootfs: { type: "layers", diff_ids: layers.map(({ tar }) => sha256(tar)) },
    };
    const manifest = {
      schemaVersion: 2,
      config: { mediaType: "config", ...this.put(Buffer.from(JSON.stringify(config))) },
      layers: layers.map(({ tar, compression }) => ({
        mediaType: `application/vnd.oci.image.layer.v1.tar${suffix[compression]}`,
        ...this.put(compress[compression](tar)),
      })),
    };
    this.tags.set(tag, this.put(Buffer.from(JSON.stringify(manifest))).digest);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

type Entry = Parameters<ReturnType<typeof pack>["entry"]>[0] & { readonly content?: string };

async function tarOf(entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const { content, ...header } of entries)
    archive.entry({ mtime: new Date(0), ...header }, content ?? "");
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function sha256(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

interface World {
  readonly registry: MemoryRegistry;
  readonly root: string;
  readonly images: Images;
}

function withWorld(run: (world: World) => Promise<void>): () => Promise<void> {
  return async () => {
    const root = mkdtempSync(join(tmpdir(), "naru-images-"));
    const registry = new MemoryRegistry();
    await registry.listen();
    try {
      await run({ root, registry, images: await openImages(root) });
    } finally {
      registry.close();
      rmSync(root, { recursive: true, force: true });
    }
  };
}

function openImages(root: string, more: Partial<RegistryOptions> = {}): Promise<Images> {
  return Images.open({
    root: join(root, "store"),
    unpackWorker: new URL("unpack/worker.ts", import.meta.url),
    registry: {
      fetch,
      clock: systemClock,
      plainHttpHosts: new Set(),
      hasOwnLoopback: false,
      ...more,
    },
    architecture: "amd64",
    clock: systemClock,
    logger: silentLogger,
  });
}

function request(
  registry: MemoryRegistry,
  tag: string,
  policy: "Always" | "IfNotPresent" | "Never" = "IfNotPresent",
) {
  return { reference: `${registry.host()}/app:${tag}`, policy, credentials: [] } as const;
}

test(
  "ensure() pulls layers of every compression and unpacks them",
  withWorld(async ({ registry, images }) => {
    registry.image("v1", [
      { compression: "gzip", tar: await tarOf([{ name: "a/file", content: "one", mode: 0o4755 }]) },
      { compression: "zstd", tar: await tarOf([{ name: "b", content: "two" }]) },
      { compression: "none", tar: await tarOf([{ name: "c", type: "symlink", linkname: "b" }]) },
    ]);
    const image = await images.ensure(request(registry, "v1"), SIGNAL);
    const [first = "", second = "", third = ""] = image.layerDirs;
    assert.equal(readFileSync(join(first, "a/file"), "utf8"), "one");
    assert.equal(lstatSync(join(first, "a/file")).mode & 0o7777, 0o4755);
    assert.equal(readFileSync(join(second, "b"), "utf8"), "two");
    assert.ok(lstatSync(join(third, "c")).isSymbolicLink());
    assert.deepEqual(image.config.cmd, ["/hello"]);
  }),
);

test(
  "ensure() asks nobody when the image is there, also after a restart",
  withWorld(async ({ registry, images, root }) => {
    registry.image("v1", [
      { compression: "none", tar: await tarOf([{ name: "x", content: "x" }]) },
    ]);
    const pulled = await images.ensure(request(registry, "v1"), SIGNAL);
    registry.requests.length = 0;
    const again = await (await openImages(root)).ensure(request(registry, "v1"), SIGNAL);
    assert.deepEqual(again.layerDirs, pulled.layerDirs);
    assert.deepEqual(registry.requests, []);
  }),
);

test(
  "ensure() answers a bearer challenge",
  withWorld(async ({ registry, images }) => {
    registry.image("v1", [
      { compression: "none", tar: await tarOf([{ name: "x", content: "x" }]) },
    ]);
    registry.token = "secret";
    const image = await images.ensure(request(registry, "v1"), SIGNAL);
    assert.equal(image.layerDirs.length, 1);
    assert.ok(registry.requests.some((url) => url.includes("scope=repository%3Aapp%3Apull")));
  }),
);

test(
  "ensure() refuses a layer that was tampered with, and keeps nothing of it",
  withWorld(async ({ registry, images, root }) => {
    registry.image("v1", [
      { compression: "none", tar: await tarOf([{ name: "x", content: "x" }]) },
    ]);
    for (const [digest, bytes] of registry.content) {
      if (bytes.length < 1000) continue;
      const changed = Buffer.from(bytes);
      changed[600] = 0x41;
      registry.content.set(digest, changed);
    }
    await assert.rejects(
      images.ensure(request(registry, "v1"), SIGNAL),
      /is not what it claims to be/,
    );
    assert.deepEqual(await images.list(), []);
    assert.ok(!existsSync(join(root, "store/incoming/0")));
  }),
);

test(
  "ensure() names what is missing",
  withWorld(async ({ registry, images }) => {
    await assert.rejects(
      images.ensure(request(registry, "nope"), SIGNAL),
      /manifests\/nope: not found/,
    );
    await assert.rejects(
      images.ensure(request(registry, "v1", "Never"), SIGNAL),
      (error) => error instanceof ImageError && error.reason === "ErrImageNeverPull",
    );
    const bad = { reference: "UPPER", policy: "Always", credentials: [] } as const;
    await assert.rejects(images.ensure(bad, SIGNAL), /no repository/);
  }),
);

const HOSTILE: readonly { readonly name: string; readonly entries: readonly Entry[] }[] = [
  { name: "a path with ..", entries: [{ name: "../../outside", content: "bad" }] },
  { name: "an absolute path", entries: [{ name: "/outside", content: "bad" }] },
  {
    name: "a link as a parent",
    entries: [
      { name: "door", type: "symlink", linkname: "../../../.." },
      { name: "door/outside", content: "bad" },
    ],
  },
  {
    name: "an absolute link as a parent",
    entries: [
      { name: "door", type: "symlink", linkname: "/" },
      { name: "door/outside", content: "bad" },
    ],
  },
  {
    name: "a file through a link of the same name",
    entries: [
      { name: "outside", type: "symlink", linkname: "../../../outside" },
      { name: "outside", content: "bad" },
    ],
  },
  {
    name: "a whiteout of what is outside",
    entries: [{ name: "../../.wh.keep", content: "" }],
  },
];

for (const { name, entries } of HOSTILE) {
  test(
    `ensure() lets ${name} write nothing outside its layer`,
    withWorld(async ({ registry, images, root }) => {
      writeFileSync(join(root, "keep"), "kept");
      registry.image("v1", [{ compression: "none", tar: await tarOf(entries) }]);
      const image = await images.ensure(request(registry, "v1"), SIGNAL);
      assert.equal(readFileSync(join(root, "keep"), "utf8"), "kept");
      assert.ok(!existsSync(join(root, "outside")));
      assert.ok(!existsSync("/outside"));
      assert.equal(image.layerDirs.length, 1);
    }),
  );
}

test(
  "ensure() refuses a hard link to what is not in the layer",
  withWorld(async ({ registry, images }) => {
    const tar = await tarOf([{ name: "shadow", type: "link", linkname: "/etc/shadow" }]);
    registry.image("v1", [{ compression: "none", tar }]);
    await assert.rejects(images.ensure(request(registry, "v1"), SIGNAL), /ENOENT/);
  }),
);

test(
  "ensure() turns whiteouts into overlayfs' own",
  { skip: process.getuid?.() === 0 ? false : "needs root to make devices" },
  withWorld(async ({ registry, images }) => {
    const tar = await tarOf([{ name: "etc/.wh.passwd" }, { name: "var/.wh..wh..opq" }]);
    registry.image("v1", [{ compression: "gzip", tar }]);
    const { layerDirs } = await images.ensure(request(registry, "v1"), SIGNAL);
    const hidden = lstatSync(join(layerDirs[0] ?? "", "etc/passwd"));
    assert.ok(hidden.isCharacterDevice());
    assert.equal(hidden.rdev, 0);
    assert.ok(!existsSync(join(layerDirs[0] ?? "", "var/.wh..wh..opq")));
  }),
);

test(
  "remove() takes away only what no other image has",
  withWorld(async ({ registry, images }) => {
    const shared = {
      compression: "gzip",
      tar: await tarOf([{ name: "base", content: "b" }]),
    } as const;
    const own = { compression: "gzip", tar: await tarOf([{ name: "own", content: "o" }]) } as const;
    registry.image("v1", [shared]);
    registry.image("v2", [shared, own]);
    const first = await images.ensure(request(registry, "v1"), SIGNAL);
    const second = await images.ensure(request(registry, "v2"), SIGNAL);
    await images.remove(`${registry.host()}/app:v2`);
    assert.ok(existsSync(first.layerDirs[0] ?? ""));
    assert.ok(!existsSync(second.layerDirs[1] ?? ""));
    assert.equal((await images.list()).length, 1);
    images.inUse(new Set([first.id]));
    await assert.rejects(images.remove(`${registry.host()}/app:v1`), /a container uses it/);
  }),
);

test(
  "ensure() says that a registry which is not on loopback does not speak TLS",
  withWorld(async ({ registry, root }) => {
    // As it is met under a name, over the machine's real TLS.
    const byName: typeof fetch = (url, init) =>
      fetch(String(url).replace("registry.example", registry.host()), init);
    const images = await openImages(root, { fetch: byName });
    await assert.rejects(
      images.ensure({ ...request(registry, "v1"), reference: "registry.example/app:v1" }, SIGNAL),
      (error: unknown) =>
        error instanceof ImageError &&
        error.reason === "RegistryUnavailable" &&
        /the registry at registry\.example does not speak TLS.*import the image/.test(
          error.message,
        ),
    );
  }),
);

test(
  "ensure() says whose loopback it is that refuses the connection",
  withWorld(async ({ registry, root }) => {
    const asked = request(registry, "v1");
    registry.close();
    for (const hasOwnLoopback of [true, false]) {
      const images = await openImages(root, { hasOwnLoopback });
      await assert.rejects(images.ensure(asked, SIGNAL), (error: unknown) => {
        assert.ok(error instanceof ImageError);
        assert.match(error.message, /ECONNREFUSED 127\.0\.0\.1/);
        assert.equal(/the node's own address here/.test(error.message), hasOwnLoopback);
        return true;
      });
    }
  }),
);
