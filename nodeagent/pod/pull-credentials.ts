import type { Secret } from "#proto/core/v1";
import type { RegistryCredential } from "../images/image-service.ts";

/** What imagePullSecrets hold, by registry. A secret that cannot be read gives none: the pull then says what is wrong. */
export function pullCredentials(secrets: readonly Secret[]): readonly RegistryCredential[] {
  return secrets.flatMap(({ data }) => {
    const json = decode(data?.[".dockerconfigjson"]);
    const legacy = decode(data?.[".dockercfg"]);
    return [...entries((json as { auths?: unknown } | undefined)?.auths), ...entries(legacy)];
  });
}

interface Auth {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
}

function entries(auths: unknown): readonly RegistryCredential[] {
  if (typeof auths !== "object" || auths === null) return [];
  return Object.entries(auths as Readonly<Record<string, Auth>>).map(([registry, own]) => {
    const pair = Buffer.from(own.auth ?? "", "base64").toString();
    const at = pair.indexOf(":");
    return {
      host: registry.replace(/^https?:\/\//, "").replace(/\/.*$/, ""),
      username: own.username ?? pair.slice(0, Math.max(at, 0)),
      password: own.password ?? pair.slice(at + 1),
    };
  });
}

function decode(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(text, "base64").toString());
  } catch {
    return undefined; // A user's mistake, which must not end the agent.
  }
}
