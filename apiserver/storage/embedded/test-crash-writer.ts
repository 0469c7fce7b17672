/** Writes to the store in the folder that is its argument, and tells of each acknowledged write, until it is killed. */
import { writeSync } from "node:fs";
import { silentLogger } from "#lib/logger";
import { systemClock } from "#lib/system-clock";
import { put, remove } from "../contract-steps.ts";
import { EmbeddedStore } from "./embedded-store.ts";

const WRITERS = 8;
/** Keys that are overwritten and deleted again and again, for each writer. */
const KEYS = 5;

const [directory = "", round = ""] = process.argv.slice(2);
const store = new EmbeddedStore({ directory, clock: systemClock, logger: silentLogger });

async function write(writer: number): Promise<never> {
  for (let i = 0; ; i++) {
    const value = `${round}.${i}.`.padEnd(i % 7 === 0 ? 20_000 : 200, "x");
    const key = `/w/${writer}/${i % KEYS}`;
    const pair = `/w/${writer}/pair-${i % KEYS}`;
    const change = i % 4 === 3 ? remove(key) : put(key, value);
    const result = await store.write([change, put(pair, value)]);
    if (result.ok) writeSync(1, `${result.revision} ${pair} ${round}.${i}.\n`);
    if (i % 50 === 49) await store.compact(result.ok ? result.revision - 100 : 0);
  }
}

await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
