/** What `/livez`, `/readyz` and `/healthz` say, in Kubernetes' text: https://kubernetes.io/docs/reference/using-api/health-checks/ */

export interface CheckResult {
  readonly name: string;
  /** Why not, for the server's own log; undefined when all is well. */
  readonly failure: string | undefined;
}

export interface Report {
  /** 200 or 500. */
  readonly code: number;
  readonly text: string;
}

export interface ReportOptions {
  /** `livez`, `readyz`, `healthz`. */
  readonly endpoint: string;
  /** Names the checks also when all is well. */
  readonly verbose: boolean;
  /** Names as the client gave them; those that no check has are told. */
  readonly excluded: readonly string[];
}

/** `results` lack the excluded checks, which nobody makes; `names` has all. Anybody may ask, so no reason is given away. */
export function reportOf(
  names: readonly string[],
  results: ReadonlyMap<string, CheckResult>,
  { endpoint, excluded, verbose }: ReportOptions,
): Report {
  const lines = names.map((name) => {
    const result = results.get(name);
    if (result === undefined) return `[+]${name} excluded: ok`;
    return result.failure === undefined ? `[+]${name} ok` : `[-]${name} failed: reason withheld`;
  });
  const unknown = excluded.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    const quoted = unknown.map((name) => JSON.stringify(name)).join(", ");
    lines.push(`warn: some health checks cannot be excluded: no matches for ${quoted}`);
  }
  const isFailed = [...results.values()].some(({ failure }) => failure !== undefined);
  if (!isFailed && !verbose) return { code: 200, text: "ok" };
  const verdict = `${endpoint} check ${isFailed ? "failed" : "passed"}`;
  return { code: isFailed ? 500 : 200, text: `${[...lines, verdict].join("\n")}\n` };
}
