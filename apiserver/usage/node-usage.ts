/** What nodes say that they and their containers use, asked through the tunnels that they keep open. */
import type { NodeSummary } from "#lib/api/node-summary";
import type { Clock } from "#lib/clock";
import type { Logger } from "#lib/logger";
import { sessionFailure, type Tunnel, type TunnelSession } from "../proxy/tunnel.ts";

/** Undefined for a node that does not answer in time. */
export type NodeUsage = (node: string) => Promise<NodeSummary | undefined>;

/** Nodes that cannot be asked. */
export const NO_USAGE: NodeUsage = async () => undefined;

/** An agent that was not asked lately measures for a second; the rest is for a machine under load. */
const ANSWER_MS_MAX = 5_000;
/** Autoscalers ask all at once, each about a few pods of the same nodes. */
const FRESH_MS = 1_000;
/** A node has some hundred containers, and each takes some 300 bytes. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
export interface TunnelUsageDeps {
  readonly tunnel: Tunnel;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Answers are shared by all who ask within the same second; those of an earlier one are forgotten. */
export function tunnelUsage(deps: TunnelUsageDeps): NodeUsage {
  let sinceMs = Number.NEGATIVE_INFINITY;
  let answers = new Map<string, Promise<NodeSummary | undefined>>();
  return (node) => {
    const nowMs = deps.clock.monotonicMs();
    if (nowMs - sinceMs >= FRESH_MS) {
      sinceMs = nowMs;
      answers = new Map();
    }
    const answer = answers.get(node) ?? ask(deps, node);
    answers.set(node, answer);
    return answer;
  };
}

async function ask(deps: TunnelUsageDeps, node: string): Promise<NodeSummary | undefined> {
  const late = new AbortController();
  const isLate = Promise.withResolvers<never>();
  // Nobody waits for it when the node answers.
  isLate.promise.catch(() => {});
  const cancel = deps.clock.after(ANSWER_MS_MAX, () => {
    late.abort();
    isLate.reject(new Error(`no answer within ${ANSWER_MS_MAX} ms`));
  });
  let session: TunnelSession | undefined;
  try {
    const about = { namespace: "", pod: "", podUid: "" };
    const what = { $case: "stats", value: {} } as const;
    session = await deps.tunnel.open(node, { ...about, what }, late.signal);
    return await Promise.race([summaryFrom(session), isLate.promise]);
  } catch (error) {
    // Its metrics are left out: there is nothing better to say of it.
    deps.logger.debug("node does not say what it uses", { node, error });
    return undefined;
  } finally {
    cancel();
    session?.close();
  }
}

async function summaryFrom(session: TunnelSession): Promise<NodeSummary> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  let frame = await session.next();
  while (frame !== undefined && frame.$case !== "end") {
    if (frame.$case === "stdout") {
      chunks.push(frame.value);
      size += frame.value.length;
    }
    if (size > ANSWER_BYTES_MAX) throw new Error(`more than ${ANSWER_BYTES_MAX} bytes`);
    frame = await session.next();
  }
  const failure = sessionFailure(frame?.value);
  if (failure !== undefined) throw failure;
  return JSON.parse(Buffer.concat(chunks).toString("utf8")) as NodeSummary;
}
