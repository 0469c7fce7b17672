/**
 * Makes one file of each long-running program, in dist/. They start faster and take less memory than the sources, of which
 * Node keeps the text. `naru up` uses them while they are newer than every source.
 */
import { build } from "esbuild";

/** Packages with native parts, or loaded only by those who ask for them. */
const EXTERNAL = ["koffi", "lmdb", "etcd3", "@peculiar/x509", "reflect-metadata"];

await build({
  entryPoints: {
    server: "naru/programs/server.ts",
    agent: "naru/programs/agent.ts",
    supervisor: "nodeagent/runtime/supervisor/main.ts",
    unpack: "nodeagent/images/unpack/worker.ts",
    oci: "naru/programs/oci.ts",
  },
  outdir: "dist",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  target: "node26",
  format: "esm",
  external: EXTERNAL,
  // Packages in CommonJS call require, which modules do not have.
  banner: {
    js: 'import { createRequire as naruRequire } from "node:module"; const require = naruRequire(import.meta.url);',
  },

  legalComments: "none",
  logLevel: "warning",
});
