/** Users that a proxy names in headers, as `--requestheader-…` of Kubernetes has it. The proxy shows who it is by its certificate. */
import { StatusError } from "#lib/status-error";
import type { User } from "../chain/steps.ts";
import { AUTHENTICATED } from "./well-known.ts";

export interface RequestHeaderOptions {
  /** PEM: has signed the certificates of the proxies, and those of nobody else. */
  readonly authority: string;
  /** Common names of the proxies; any, if there are none. */
  readonly allowedNames: readonly string[];
  /** Names of headers; of several the first that is there counts. */
  readonly usernameHeaders: readonly string[];
  readonly uidHeaders: readonly string[];
  /** Of these all count. */
  readonly groupHeaders: readonly string[];
  readonly extraPrefixes: readonly string[];
}

/** What every proxy of Kubernetes sends. */
export const USUAL_HEADERS = {
  usernameHeaders: ["X-Remote-User"],
  uidHeaders: ["X-Remote-Uid"],
  groupHeaders: ["X-Remote-Group"],
  extraPrefixes: ["X-Remote-Extra-"],
} as const;

/**
 * Undefined when the proxy names nobody. Throws Unauthorized when it is none of the allowed. `headers` are names and values
 * in turn, as they came: a repeated header must stay apart.
 */
export function proxiedUser(
  proxy: string,
  headers: readonly string[],
  options: RequestHeaderOptions,
): User | undefined {
  const { allowedNames, extraPrefixes, groupHeaders, uidHeaders, usernameHeaders } = options;
  const pairs = pairsOf(headers);
  const valuesOf = (names: readonly string[]): readonly string[] =>
    names.flatMap((name) =>
      pairs.filter(([each]) => each === name.toLowerCase()).map(([, value]) => value),
    );
  const first = (names: readonly string[]): string =>
    valuesOf(names).find((value) => value !== "") ?? "";
  const name = first(usernameHeaders);
  if (name === "") return undefined;
  if (allowedNames.length > 0 && !allowedNames.includes(proxy)) {
    const why = `"${proxy}" is none of the proxies that may name users: ${allowedNames.join(", ")}`;
    throw new StatusError("Unauthorized", "Unauthorized", { cause: new Error(why) });
  }
  const uid = first(uidHeaders);
  const groups = valuesOf(groupHeaders);
  const extra = extraOf(pairs, extraPrefixes);
  return {
    name,
    groups: groups.includes(AUTHENTICATED) ? groups : [...groups, AUTHENTICATED],
    ...(uid === "" ? {} : { uid }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

type Pair = readonly [name: string, value: string];

function pairsOf(headers: readonly string[]): readonly Pair[] {
  const pairs: Pair[] = [];
  for (let at = 0; at + 1 < headers.length; at += 2)
    pairs.push([(headers[at] ?? "").toLowerCase(), headers[at + 1] ?? ""]);
  return pairs;
}

function extraOf(
  pairs: readonly Pair[],
  prefixes: readonly string[],
): Readonly<Record<string, readonly string[]>> {
  const found = pairs.flatMap(([name, value]) => {
    const prefix = prefixes.find((each) => name.startsWith(each.toLowerCase()));
    return prefix === undefined ? [] : [[unescaped(name.slice(prefix.length)), value] as const];
  });
  const byKey = Map.groupBy(found, ([key]) => key);
  return Object.fromEntries([...byKey].map(([key, all]) => [key, all.map(([, value]) => value)]));
}

function unescaped(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    // Not escaped, then.
    return key;
  }
}
