/** Where the programs' files are: in dist/ when this runs out of a bundle, among the sources otherwise. */

const SOURCES = {
  server: "programs/server.ts",
  agent: "programs/agent.ts",
  supervisor: "../nodeagent/runtime/supervisor/main.ts",
  unpack: "../nodeagent/images/unpack/worker.ts",
} as const;

export type EntryPoint = keyof typeof SOURCES;

export function entryPoint(name: EntryPoint): URL {
  const isBundle = import.meta.url.endsWith(".mjs");
  return new URL(isBundle ? `${name}.mjs` : SOURCES[name], import.meta.url);
}
