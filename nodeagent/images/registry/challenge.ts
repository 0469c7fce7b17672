/** What a registry asks for when it refuses: the `WWW-Authenticate` header, RFC 9110 section 11.6.1. */
export type Challenge =
  | { readonly scheme: "basic" }
  | {
      readonly scheme: "bearer";
      readonly realm: string;
      readonly service: string | undefined;
      readonly scope: string | undefined;
    };

const PARAMETER = /([a-zA-Z_]+)=(?:"([^"]*)"|([^",\s]+))/g;

/** The first challenge that we can answer; undefined when there is none. */
export function parseChallenge(header: string): Challenge | undefined {
  const scheme = /^\s*([a-zA-Z]+)/.exec(header)?.[1]?.toLowerCase();
  if (scheme === "basic") return { scheme };
  if (scheme !== "bearer") return undefined;
  const parameters = new Map<string, string>();
  for (const [, name = "", quoted, plain] of header.matchAll(PARAMETER)) {
    parameters.set(name.toLowerCase(), quoted ?? plain ?? "");
  }
  const realm = parameters.get("realm");
  if (realm === undefined) return undefined;
  return { scheme, realm, service: parameters.get("service"), scope: parameters.get("scope") };
}
