/**
 * `npm run package`: makes the npm package `naru` in dist/npm and packs it. It is the library alone, JavaScript with
 * declarations, and needs no other package: sources would not do, as Node strips no types below node_modules.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { build } from "esbuild";
import { reachableDeclarations } from "./package/declarations.ts";
import { licensesOf } from "./package/licenses.ts";
import { packageManifest, type Workshop } from "./package/manifest.ts";

const ROOT = dirname(import.meta.dirname);
const OUT = join(ROOT, "dist/npm");
/** Names in the package, and where their sources are. */
const ENTRIES = { index: "naru/library/index.ts", testing: "naru/library/testing.ts" } as const;

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
await writeScripts();
writeDeclarations();
const workshop = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Workshop;
const manifest = packageManifest(workshop, ENTRIES);
writeFileSync(join(OUT, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
copyFileSync(join(ROOT, "LICENSE"), join(OUT, "LICENSE"));
copyFileSync(join(ROOT, "docs/testing-with-naru.md"), join(OUT, "README.md"));
const packed = execFileSync("npm", ["pack", "--silent", OUT], { cwd: join(ROOT, "dist") });
process.stdout.write(`dist/${packed.toString().trim()}\n`);

async function writeScripts(): Promise<void> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ENTRIES,
    inject: ["tools/package/older-node.ts"],
    outdir: OUT,
    bundle: true,
    splitting: true,
    platform: "node",
    target: "node20",
    format: "esm",
    // Packages in CommonJS call require, which modules do not have.
    banner: {
      js: 'import { createRequire as naruRequire } from "node:module"; const require = naruRequire(import.meta.url);',
    },
    keepNames: true,
    legalComments: "none",
    logLevel: "warning",
    metafile: true,
  });
  const licenses = licensesOf(Object.keys(metafile.inputs), ROOT);
  writeFileSync(join(OUT, "THIRD-PARTY-LICENSES"), licenses);
}

/** The compiler writes those of every file that it met; those that no user can come to are left out. */
function writeDeclarations(): void {
  const all = join(ROOT, "dist/declarations");
  execFileSync(join(ROOT, "node_modules/.bin/tsc"), ["-p", "tools/package/tsconfig.json"], {
    cwd: ROOT,
    stdio: "inherit",
  });
  const entries = Object.values(ENTRIES).map((file) => join(all, declarationOf(file)));
  for (const file of reachableDeclarations(entries, all)) {
    const to = join(OUT, "types", relative(all, file));
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(file, to);
  }
  rmSync(all, { recursive: true });
}

function declarationOf(source: string): string {
  return source.replace(/\.ts$/, ".d.ts");
}
