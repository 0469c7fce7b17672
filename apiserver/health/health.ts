/** `/livez`, `/readyz` and `/healthz`, and each of their checks alone. */
import type { Clock } from "#lib/clock";
import type { Logger } from "#lib/logger";
import type { Exchange } from "../front/rest/respond.ts";
import { type CheckResult, reportOf } from "./report.ts";

export interface HealthCheck {
  readonly name: string;
  /** Counts for readiness alone: a server that is restarted would not be better off. */
  readonly isReadinessOnly?: boolean;
  /** Throws an Error that says what is wrong. */
  readonly check: () => Promise<void> | void;
}

export interface HealthOptions {
  readonly checks: readonly HealthCheck[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Kubernetes' time for a look at the store; whoever asks waits for ten seconds at most. */
const CHECK_MS_MAX = 2_000;

export class Health {
  readonly #options: HealthOptions;

  constructor(options: HealthOptions) {
    this.#options = options;
  }

  /** True when it answered. */
  async serve(exchange: Exchange): Promise<boolean> {
    const [endpoint = "", ...rest] = exchange.path.split("/").slice(1);
    if (endpoint !== "healthz" && endpoint !== "livez" && endpoint !== "readyz") return false;
    const isReadiness = endpoint === "readyz";
    const checks = this.#options.checks.filter(
      ({ isReadinessOnly }) => isReadiness || isReadinessOnly !== true,
    );
    const name = rest.join("/");
    const one = checks.find((each) => each.name === name);
    if (name !== "" && one === undefined) return false;
    await (one === undefined
      ? this.#answerAll(exchange, endpoint, checks)
      : this.#answerOne(exchange, one));
    return true;
  }

  async #answerAll(
    exchange: Exchange,
    endpoint: string,
    checks: readonly HealthCheck[],
  ): Promise<void> {
    const { query } = exchange;
    const excluded = [...new Set(query.getAll("exclude"))];
    const wanted = checks.filter(({ name }) => !excluded.includes(name));
    const results = await Promise.all(wanted.map((each) => this.#result(each)));
    const { code, text } = reportOf(
      checks.map(({ name }) => name),
      new Map(results.map((result) => [result.name, result])),
      { endpoint, excluded, verbose: query.has("verbose") },
    );
    const failed = results.filter(({ failure }) => failure !== undefined);
    if (failed.length > 0) this.#options.logger.error("health check failed", { endpoint, failed });
    await answerText(exchange, code, text);
  }

  async #answerOne(exchange: Exchange, check: HealthCheck): Promise<void> {
    const { failure } = await this.#result(check);
    if (failure === undefined) return answerText(exchange, 200, "ok");
    this.#options.logger.error("health check failed", { check: check.name, failure });
    await answerText(
      exchange,
      500,
      `internal server error: ${check.name} failed: reason withheld\n`,
    );
  }

  async #result({ check, name }: HealthCheck): Promise<CheckResult> {
    let cancel: (() => void) | undefined;
    const late = new Promise<never>((_, reject) => {
      const why = new Error(`no answer within ${CHECK_MS_MAX} ms`);
      cancel = this.#options.clock.after(CHECK_MS_MAX, () => reject(why));
    });
    try {
      await Promise.race([check(), late]);
      return { name, failure: undefined };
    } catch (error) {
      return { name, failure: error instanceof Error ? error.message : String(error) };
    } finally {
      cancel?.();
    }
  }
}

function answerText(exchange: Exchange, code: number, text: string): Promise<void> {
  const headers = { "x-content-type-options": "nosniff" };
  const type = "text/plain; charset=utf-8";
  return exchange.answer({ code, type, body: Buffer.from(text), headers });
}
