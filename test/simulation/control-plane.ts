/** The real API core and the real controllers in one process, under virtual time; only the nodes are simulated. */
import { Client, EventRecorder, Informers, type Transport } from "#client";
import type { Logger } from "#lib/logger";
import { seededRandom, VirtualClock } from "#lib/testing/virtual-clock";
import type { ApiObject } from "#proto";
import { admission } from "../../apiserver/admission/index.ts";
import { createBootstrapObjects } from "../../apiserver/bootstrap/bootstrap.ts";
import { patcher } from "../../apiserver/chain/patcher.ts";
import { rules } from "../../apiserver/rules/index.ts";
import { coreOver } from "../../apiserver/server.ts";
import { MemoryStore } from "../../apiserver/storage/memory/memory-store.ts";
import { startControllers } from "../../controllers/index.ts";
import { SimulatedNodes } from "./simulated-nodes.ts";
import { type Faults, unreliable } from "./unreliable.ts";

export interface ControlPlane extends AsyncDisposable {
  readonly client: Client;
  readonly clock: VirtualClock;
  readonly nodes: SimulatedNodes;
  /** Everything that went wrong, as the log has it. */
  readonly errors: readonly string[];
  /** Lets time pass until the condition holds; fails after `limitMs` of virtual time. */
  until(what: string, holds: () => Promise<boolean>, limitMs?: number): Promise<void>;
}

const SERVICE_CIDR = "10.96.0.0/16";
const STEP_MS = 100;
/** In which all informers read everything, over a good network. */
const START_MS = 1000;
const LIMIT_MS = 60_000;
const GRACE_MS = 40_000;

export async function startControlPlane(
  options: {
    readonly nodes?: number;
    readonly seed?: number;
    /** Of the controllers' connection; the test's and the nodes' own is good. */
    readonly faults?: () => Faults;
  } = {},
): Promise<ControlPlane> {
  const clock = new VirtualClock();
  const { seed = 1 } = options;
  const random = seededRandom(seed);
  const errors: string[] = [];
  const logger = errorsInto(errors);
  const store = new MemoryStore(clock);
  const stop = new AbortController();
  const core = await coreOver({ store, clock, random, parts: parts(stop.signal) });
  await createBootstrapObjects(core, {
    host: "127.0.0.1",
    restPort: 6443,
    serviceCidr: SERVICE_CIDR,
  });
  const user = { name: "system:naru", groups: ["system:masters"] };
  const transport = core.as(user) as unknown as Transport;
  const client = new Client(transport);
  const outside = new Informers({ client, clock, random, logger });
  const nodes = new SimulatedNodes({ client, clock, informers: outside });
  const { faults } = options;
  const inside =
    faults === undefined
      ? client
      : new Client(unreliable(transport, faults, { clock, random: seededRandom(seed + 1) }));
  const common = { client: inside, clock, random, logger };
  const informers = new Informers(common);
  const recorder = new EventRecorder({ ...common, component: "controllers" });
  const context = { ...common, informers, recorder };
  const controllers = startControllers({ ...context, nodeGraceMs: GRACE_MS });
  const following = Promise.all([informers.start(), outside.start()]);
  let isFollowing = false;
  void following.then(() => {
    isFollowing = true;
  });
  await clock.advance(START_MS);
  const holds = async (): Promise<boolean> => isFollowing;
  await until(clock, { what: "informers that know everything", holds, limitMs: LIMIT_MS, errors });
  for (let at = 1; at <= (options.nodes ?? 3); at++) await nodes.add(`node-${at}`);
  await clock.advance(STEP_MS);
  return {
    client,
    clock,
    nodes,
    errors,
    until: (what, holds, limitMs = LIMIT_MS) => until(clock, { what, holds, limitMs, errors }),
    [Symbol.asyncDispose]: async () => {
      nodes.close();
      const closing = [controllers.close(), informers.close(), outside.close()];
      // Calls that are under way come to their end.
      await clock.advance(STEP_MS * 10);
      await Promise.all(closing);
      stop.abort();
      await store.close();
    },
  };
}

function parts(signal: AbortSignal) {
  const absent = (): Promise<never> => Promise.reject(new Error("not served here"));
  return {
    authorizer: () => ({ authorize: () => ({ allowed: true }) as const }),
    admission: admission({
      serviceCidr: SERVICE_CIDR,
      signal,
      post: absent,
      serviceAccounts: true,
    }),
    rules,
    patcher,
    openApi: () => ({ paths: [], v3: absent, v2Json: absent, v2Protobuf: absent }),
    post: absent,
  };
}

interface Wait {
  readonly what: string;
  readonly holds: () => Promise<boolean>;
  readonly limitMs: number;
  readonly errors: readonly string[];
}

async function until(clock: VirtualClock, { errors, holds, limitMs, what }: Wait): Promise<void> {
  const endMs = clock.nowMs() + limitMs;
  await clock.settle();
  while (!(await holds())) {
    if (clock.nowMs() >= endMs) {
      throw new Error(`${what}: not within ${limitMs} ms; logged: ${errors.slice(-5).join("; ")}`);
    }
    await clock.advance(STEP_MS);
  }
}

function errorsInto(errors: string[]): Logger {
  const logger: Logger = {
    debug: () => {},
    info: () => {},
    error: (message, fields) => {
      const { error } = fields ?? {};
      const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
      errors.push(`${message} ${fields?.["key"] ?? ""}: ${why}`);
    },
    child: () => logger,
  };
  return logger;
}

/** For tests that look at one object again and again. */
export function conditionOf(
  object: ApiObject,
  type: string,
): { readonly status: string; readonly reason?: string } | undefined {
  const { status } = object as { readonly status?: { readonly conditions?: readonly never[] } };
  return status?.conditions?.find((each: { readonly type: string }) => each.type === type);
}
