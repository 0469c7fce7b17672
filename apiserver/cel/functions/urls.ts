import type { Environment } from "@marcbachmann/cel-js";

/** Kubernetes' URLs in CEL: an absolute URI or an absolute path. */
export function addUrls(environment: Environment): void {
  const type = "kubernetes.URL";
  environment
    .registerType(type, { ctor: Url })
    .registerFunction(`url(string): ${type}`, (text: string) => {
      const url = parse(text);
      if (url === undefined)
        throw new Error(`URL parse error during conversion from string: ${text}`);
      return url;
    })
    .registerFunction("isURL(string): bool", (text: string) => parse(text) !== undefined)
    .registerFunction(`${type}.getScheme(): string`, ({ parts }: Url) =>
      parts.protocol.slice(0, -1),
    )
    .registerFunction(`${type}.getHost(): string`, ({ isPath, parts }: Url) =>
      isPath ? "" : parts.host,
    )
    .registerFunction(`${type}.getHostname(): string`, ({ isPath, parts }: Url) =>
      isPath ? "" : parts.hostname.replace(/^\[|\]$/g, ""),
    )
    .registerFunction(`${type}.getPort(): string`, ({ port }: Url) => port)
    .registerFunction(`${type}.getEscapedPath(): string`, ({ path }: Url) => path)
    .registerFunction(`${type}.getQuery(): map<string, list<string>>`, queryOf)
    .registerOperator(`${type} == ${type}`, (a: Url, b: Url) => a.text === b.text);
}

class Url {
  readonly text: string;
  readonly parts: URL;
  /** Without scheme and host. */
  readonly isPath: boolean;

  constructor(text: string, parts: URL, isPath: boolean) {
    this.text = text;
    this.parts = parts;
    this.isPath = isPath;
  }

  /** As written: the platform's parser leaves out a scheme's own port. */
  get port(): string {
    return /^[^/]*\/\/[^/?#]*:(\d+)(?:[/?#]|$)/.exec(this.text)?.[1] ?? "";
  }

  get path(): string {
    const { pathname } = this.parts;
    return pathname === "/" && !/^[^/]*\/\/[^/?#]*\//.test(this.text) && !this.isPath
      ? ""
      : pathname;
  }
}

function parse(text: string): Url | undefined {
  const isPath = text.startsWith("/");
  if (!isPath && !/^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(text)) return undefined;
  const parts = URL.parse(isPath ? `none:${text}` : text);
  return parts === null ? undefined : new Url(text, parts, isPath);
}

function queryOf({ parts }: Url): Record<string, string[]> {
  const query: Record<string, string[]> = {};
  for (const key of new Set(parts.searchParams.keys())) query[key] = parts.searchParams.getAll(key);
  return query;
}
