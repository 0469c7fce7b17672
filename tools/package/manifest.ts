/** The package.json of the published package. */

/** The parts of the repository's own package.json that it is made of. */
export interface Workshop {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly imports: Readonly<Record<string, string>>;
}

/** `entries`: by the name of the built file, the source. */
export function packageManifest(workshop: Workshop, entries: Readonly<Record<string, string>>) {
  const { license, name, version } = workshop;
  return {
    name,
    version,
    description:
      "A real Kubernetes cluster inside your TypeScript tests, in memory, in milliseconds",
    license,
    type: "module",
    engines: { node: ">=20" },
    exports: Object.fromEntries(
      Object.entries(entries).map(([built, source]) => [
        built === "index" ? "." : `./${built}`,
        { types: `./types/${declaration(source)}`, default: `./${built}.js` },
      ]),
    ),
    // The declarations name one another as the sources do.
    imports: Object.fromEntries(
      Object.entries(workshop.imports).map(([door, source]) => [
        door,
        `./types/${declaration(source.slice(2))}`,
      ]),
    ),
  };
}

function declaration(source: string): string {
  return source.replace(/\.ts$/, ".d.ts");
}
