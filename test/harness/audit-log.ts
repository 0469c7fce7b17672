/** An audit log in a directory of its own, and what stands in it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject } from "#lib/json";
import { silentLogger } from "#lib/logger";
import { systemClock } from "#lib/system-clock";
import { systemRandom } from "#lib/system-random";
import { Auditor } from "../../apiserver/audit/auditor.ts";
import { LogFile } from "../../apiserver/audit/log-file.ts";
import { parsePolicy } from "../../apiserver/audit/parse-policy.ts";

export interface LoggedObject extends JsonObject {
  readonly kind: string;
  readonly metadata: JsonObject & { readonly name: string; readonly uid: string };
}

export interface LoggedEvent {
  readonly level: string;
  readonly auditID: string;
  readonly stage: string;
  readonly requestURI: string;
  readonly verb: string;
  readonly user: { readonly username?: string; readonly groups?: readonly string[] };
  readonly impersonatedUser?: JsonObject;
  readonly sourceIPs?: readonly string[];
  readonly userAgent?: string;
  readonly objectRef?: Readonly<Record<string, string>>;
  readonly responseStatus?: { readonly code: number; readonly [field: string]: unknown };
  readonly requestObject?: LoggedObject;
  readonly responseObject?: LoggedObject;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface TestAuditLog extends AsyncDisposable {
  readonly auditor: Auditor;
  readonly path: string;
  /** All since the last `forget`. */
  events(): readonly LoggedEvent[];
  forget(): void;
}

export async function testAuditLog(policy: string): Promise<TestAuditLog> {
  const directory = await mkdtemp(join(tmpdir(), "naru-audit-"));
  const path = join(directory, "deep", "audit.log");
  const file = await LogFile.open({
    path,
    maxBytes: 100 * 1024 * 1024,
    maxAgeDays: 0,
    maxBackups: 0,
    clock: systemClock,
    logger: silentLogger,
  });
  let forgotten = 0;
  return {
    auditor: new Auditor({
      policy: parsePolicy("policy", policy),
      sinks: [file],
      clock: systemClock,
      random: systemRandom,
    }),
    path,
    events: () => eventsIn(path).slice(forgotten),
    forget: () => {
      forgotten = eventsIn(path).length;
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

export function eventsIn(path: string): readonly LoggedEvent[] {
  const text = readFileSync(path, "utf8");
  if (text === "") return [];
  assert.ok(text.endsWith("\n"), "the last line is whole");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as LoggedEvent);
}
