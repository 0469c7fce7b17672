/** What all fuzz tests share: fixed seeds, bounds, and what must hold of the server after each. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc, { type IAsyncProperty } from "fast-check";
import { type RawClient, rawClient } from "./raw-http.ts";
import { type ServerProcess, startServerProcess } from "./server-process.ts";
import { until } from "./until.ts";

/** Another seed by NARU_FUZZ_SEED; a failure prints its own, with the path to the smallest case. */
const SEED = Number(process.env["NARU_FUZZ_SEED"] ?? 20_261_124);
const RUNS = 80;
/** So that a slow machine does less instead of failing. */
const TIME_MS_MAX = 20_000;
const TIMEOUT = { timeout: 120_000 };
/** What caches, compiled code and the test's own objects may come to. */
const GROWTH_BYTES_MAX = 48 * 1024 * 1024;

const SHRINK_MS_MAX = 20_000;

export interface Fuzz {
  server(): ServerProcess;
  client(): RawClient;
  /** A test at whose end the server lives, answers, has made no fault of its own and is as small as before. */
  case(name: string, body: () => Promise<void>): void;
  /** The same, of many inputs. */
  property(name: string, property: () => IAsyncProperty<never>, runs?: number): void;
}

/**
 * To be called at the top of a test file: it starts and ends the server around that file's tests. `prepare` makes what
 * they need to be there.
 */
export function useFuzz(
  prepare: (client: RawClient, server: ServerProcess) => Promise<void> = async () => {},
): Fuzz {
  let server: ServerProcess;
  let client: RawClient;
  let bytesBefore = 0;
  before(async () => {
    server = await startServerProcess();
    client = rawClient(server);
    await prepare(client, server);
    await assertServes(client);
    bytesBefore = await server.liveBytes();
  }, TIMEOUT);
  after(async () => {
    client.close();
    await server[Symbol.asyncDispose]();
  }, TIMEOUT);
  const one = (name: string, body: () => Promise<void>): void => {
    test(name, TIMEOUT, async () => {
      await body();
      server.assertAlive();
      await assertServes(client);
      assert.deepEqual(await server.faults(), []);
      // What a connection held goes when its end has been seen.
      await until("as small a heap as at the start", SHRINK_MS_MAX, async () => {
        const grown = (await server.liveBytes()) - bytesBefore;
        if (grown < GROWTH_BYTES_MAX) return true;
        throw new Error(`${grown} more bytes are alive`);
      });
    });
  };
  return {
    server: () => server,
    client: () => client,
    case: one,
    property: (name, property, runs = RUNS) =>
      one(name, () =>
        fc.assert(property(), {
          seed: SEED,
          numRuns: runs,
          interruptAfterTimeLimit: TIME_MS_MAX,
          markInterruptAsFailure: false,
        }),
      ),
  };
}

async function assertServes(client: RawClient): Promise<void> {
  const { code, text } = await client.ask({ path: "/api/v1/namespaces/default" });
  assert.equal(code, 200, text);
}
