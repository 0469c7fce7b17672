import { ImageError } from "./image-service.ts";

/** A name of an image, every part filled in. */
export interface ImageReference {
  /** Host and port of the registry: `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** Path within the registry: `library/nginx`. */
  readonly repository: string;
  readonly tag: string | undefined;
  /** `sha256:…`; it wins over the tag. */
  readonly digest: string | undefined;
}

// The grammar of the OCI distribution specification, "Pulling manifests".
const REPOSITORY = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const HOST = /^[a-zA-Z0-9.-]+(:[0-9]+)?$|^\[[0-9a-fA-F:]+\](:[0-9]+)?$/;
const REFERENCE_LENGTH_MAX = 512;

/** Fills in what people leave out, by Docker's rules: `nginx` is `docker.io/library/nginx:latest`. */
export function parseReference(text: string): ImageReference {
  if (text.length > REFERENCE_LENGTH_MAX) throw invalid(text, "it is longer than 512 characters");
  const [named, digest] = splitOnce(text, "@");
  if (digest !== undefined && !DIGEST.test(digest)) {
    throw invalid(text, `${JSON.stringify(digest)} is not a sha256 digest`);
  }
  const slash = named.indexOf("/");
  const first = slash === -1 ? "" : named.slice(0, slash);
  // A first part without a dot or port is a folder of the default registry, unless it is localhost.
  const hasHost = first.includes(".") || first.includes(":") || first === "localhost";
  const registry = hasHost ? first : "docker.io";
  const rest = hasHost ? named.slice(slash + 1) : named;
  const [path, tag] = splitOnce(rest, ":");
  if (tag !== undefined && !TAG.test(tag)) throw invalid(text, `${JSON.stringify(tag)} is no tag`);
  const repository = registry === "docker.io" && !path.includes("/") ? `library/${path}` : path;
  if (!REPOSITORY.test(repository)) {
    throw invalid(
      text,
      `${JSON.stringify(path)} is no repository: lower-case letters, digits, ._-/`,
    );
  }
  if (!HOST.test(registry)) throw invalid(text, `${JSON.stringify(registry)} is no host`);
  return {
    registry,
    repository,
    tag: tag ?? (digest === undefined ? "latest" : undefined),
    digest,
  };
}

/** The full name, as it is stored and shown. */
export function formatReference(reference: ImageReference): string {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  const digest = reference.digest === undefined ? "" : `@${reference.digest}`;
  return `${reference.registry}/${reference.repository}${tag}${digest}`;
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function invalid(text: string, why: string): ImageError {
  return new ImageError("InvalidImageName", `image ${JSON.stringify(text)}: ${why}`);
}
