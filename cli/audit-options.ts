/** The flags of `naru up` about the audit log: Kubernetes' names and meanings. */
import { resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import type { AuditConfig } from "../naru/config.ts";
import { wholeNumber } from "./command-options.ts";
import { UserError } from "./terminal.ts";

export interface AuditFlags {
  readonly auditPolicyFile?: string;
  readonly auditLogPath?: string;
  readonly auditLogMaxage: number;
  readonly auditLogMaxbackup: number;
  readonly auditLogMaxsize: number;
  readonly auditWebhookConfigFile?: string;
  readonly auditWebhookBatchBufferSize?: number;
  readonly auditWebhookBatchMaxSize?: number;
  readonly auditWebhookBatchMaxWait?: number;
  readonly auditWebhookBatchThrottleQps?: number;
  readonly auditWebhookBatchThrottleBurst?: number;
  readonly auditWebhookInitialBackoff?: number;
}

const MAX_BACKUPS = 10;
const MAX_SIZE_MEGABYTES = 100;

export function addAuditFlags(command: Command): Command {
  const webhook = "--audit-webhook-batch";
  return command
    .option(
      "--audit-policy-file <file>",
      "which requests are recorded: a Policy of audit.k8s.io/v1",
    )
    .option("--audit-log-path <file>", "record them in this file; - for standard output")
    .option("--audit-log-maxage <days>", "remove older rotated logs; 0 keeps them", atLeast(0), 0)
    .option("--audit-log-maxbackup <count>", "keep so many; 0: all", atLeast(0), MAX_BACKUPS)
    .option("--audit-log-maxsize <MB>", "rotate at this size", atLeast(1), MAX_SIZE_MEGABYTES)
    .option("--audit-webhook-config-file <file>", "send them to the server of this kubeconfig")
    .option(`${webhook}-buffer-size <events>`, "that wait (default: 10000)", atLeast(1))
    .option(`${webhook}-max-size <events>`, "sent together (default: 400)", atLeast(1))
    .option(`${webhook}-max-wait <duration>`, "before they are sent (default: 30s)", duration)
    .option(`${webhook}-throttle-qps <rate>`, "batches a second (default: 10)", rate)
    .option(`${webhook}-throttle-burst <count>`, "batches at once (default: 15)", atLeast(1))
    .option("--audit-webhook-initial-backoff <duration>", "then longer (default: 10s)", duration);
}

/** Undefined when none is given. */
export function auditConfig(flags: AuditFlags): AuditConfig | undefined {
  const { auditLogPath: log, auditPolicyFile: policy, auditWebhookConfigFile: webhook } = flags;
  if (policy === undefined && log === undefined && webhook === undefined) return undefined;
  if (policy === undefined)
    throw new UserError(
      "--audit-log-path and --audit-webhook-config-file need --audit-policy-file, which says what is recorded",
    );
  if (log === undefined && webhook === undefined)
    throw new UserError(
      "--audit-policy-file needs --audit-log-path or --audit-webhook-config-file, where events go",
    );
  return {
    policyFile: resolve(policy),
    ...(log === undefined ? {} : { log: logConfig(log, flags) }),
    ...(webhook === undefined
      ? {}
      : { webhook: { configFile: resolve(webhook), batching: batching(flags) } }),
  };
}

function logConfig(path: string, flags: AuditFlags): NonNullable<AuditConfig["log"]> {
  return {
    path: path === "-" ? path : resolve(path),
    maxAgeDays: flags.auditLogMaxage,
    maxBackups: flags.auditLogMaxbackup,
    maxSizeMegabytes: flags.auditLogMaxsize,
  };
}

function batching(flags: AuditFlags): NonNullable<AuditConfig["webhook"]>["batching"] {
  const { auditWebhookBatchThrottleBurst: burst, auditWebhookBatchThrottleQps: qps } = flags;
  if ((burst === undefined) !== (qps === undefined))
    throw new UserError(
      "--audit-webhook-batch-throttle-qps and --audit-webhook-batch-throttle-burst go together",
    );
  const given = {
    bufferSize: flags.auditWebhookBatchBufferSize,
    maxSize: flags.auditWebhookBatchMaxSize,
    maxWaitMs: flags.auditWebhookBatchMaxWait,
    initialBackoffMs: flags.auditWebhookInitialBackoff,
    throttle: qps === undefined || burst === undefined ? undefined : { qps, burst },
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function atLeast(least: number): (text: string) => number {
  return (text) => {
    const value = wholeNumber(text);
    if (value < least) throw new InvalidArgumentError(`must be at least ${least}`);
    return value;
  };
}

function rate(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("must be a number above 0");
  return value;
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** In milliseconds. */
function duration(text: string): number {
  const [, amount = "", unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const milliseconds = Number(amount) * (UNITS_MS[unit] ?? 0);
  if (!(milliseconds > 0))
    throw new InvalidArgumentError("must be a duration with its unit, as 500ms, 30s or 1m");
  return milliseconds;
}
