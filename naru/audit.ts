/** Reads the files that the flags about auditing name, and opens where events go. */
import { readFile } from "node:fs/promises";
import type { Clock } from "#lib/clock";
import { ConfigError } from "#lib/config-document";
import type { Logger } from "#lib/logger";
import type { Random } from "#lib/random";
import { Auditor, type AuditSink } from "../apiserver/audit/auditor.ts";
import { LogFile } from "../apiserver/audit/log-file.ts";
import { LogStream } from "../apiserver/audit/log-stream.ts";
import { parsePolicy } from "../apiserver/audit/parse-policy.ts";
import type { Policy } from "../apiserver/audit/policy.ts";
import { eventsPoster, type Receiver } from "../apiserver/audit/webhook/post-events.ts";
import { DEFAULT_BATCHING, WebhookSink } from "../apiserver/audit/webhook/webhook-sink.ts";
import type { AuditConfig } from "./config.ts";
import { KubeconfigError, readAccess } from "./read-kubeconfig.ts";

interface Surroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

const MEGABYTE = 1024 * 1024;
/** Standard output's name in `--audit-log-path`. */
const STANDARD_OUTPUT = "-";

/** What the files say. Throws a ConfigError that names file, line and mend. */
export async function readAuditFiles(
  config: AuditConfig,
): Promise<{ readonly policy: Policy; readonly receiver: Receiver | undefined }> {
  const { policyFile, webhook } = config;
  const text = await readFile(policyFile, "utf8").catch((cause: Error) => {
    throw new ConfigError(`--audit-policy-file: ${cause.message}`, { cause });
  });
  return {
    policy: parsePolicy(policyFile, text),
    receiver: webhook && receiverOf(webhook.configFile),
  };
}

/** Undefined when nothing is to be recorded. */
export async function auditorOf(
  config: AuditConfig | undefined,
  surroundings: Surroundings,
): Promise<Auditor | undefined> {
  if (config === undefined) return undefined;
  const { policy, receiver } = await readAuditFiles(config);
  const sinks: AuditSink[] = [];
  if (config.log !== undefined) sinks.push(await logOf(config.log, surroundings));
  if (receiver !== undefined)
    sinks.push(
      new WebhookSink({
        ...surroundings,
        post: eventsPoster(receiver),
        batching: { ...DEFAULT_BATCHING, ...config.webhook?.batching },
      }),
    );
  return new Auditor({ policy, sinks, ...surroundings });
}

async function logOf(
  log: NonNullable<AuditConfig["log"]>,
  { clock, logger }: Surroundings,
): Promise<AuditSink> {
  const { maxSizeMegabytes, path, ...retention } = log;
  if (path === STANDARD_OUTPUT) return new LogStream(process.stdout, logger);
  const maxBytes = maxSizeMegabytes * MEGABYTE;
  return LogFile.open({ path, maxBytes, ...retention, clock, logger }).catch((cause: Error) => {
    throw new ConfigError(`--audit-log-path: ${cause.message}`, { cause });
  });
}

function receiverOf(configFile: string): Receiver {
  const flag = "--audit-webhook-config-file";
  try {
    const { server, ...access } = readAccess({ paths: [configFile], context: undefined });
    const url = URL.canParse(server) ? new URL(server) : undefined;
    if (url?.protocol === "https:" || url?.protocol === "http:") return { ...access, url };
    throw new ConfigError(`${flag}: ${configFile}: server ${server}: must be an http or https URL`);
  } catch (error) {
    if (!(error instanceof KubeconfigError)) throw error;
    throw new ConfigError(`${flag}: ${error.message}`, { cause: error });
  }
}
