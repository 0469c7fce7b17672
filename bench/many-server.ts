/** The server as `naru up` runs it, for bench/many.ts: it also tells its parent how long its loop was held up. */
import { readFileSync } from "node:fs";
import { createHistogram } from "node:perf_hooks";
import { runServer } from "../naru/server.ts";

const TICK_MS = 5;

/** In microseconds: how late each tick was, and by how much the work between two ticks was more than fits in between. */
const late = createHistogram();
const held = createHistogram();
let last = { cpu: cpuMicros(), at: performance.now() };

setInterval(() => {
  const now = { cpu: cpuMicros(), at: performance.now() };
  late.record(Math.max(1, Math.round(1000 * (now.at - last.at - TICK_MS))));
  held.record(Math.max(1, Math.round(now.cpu - last.cpu - 1000 * TICK_MS)));
  last = now;
}, TICK_MS).unref();

/** Of this thread: other programs' load on the machine is not in it. */
function cpuMicros(): number {
  const { system, user } = process.threadCpuUsage();
  return system + user;
}

/** Since the last time that it was asked, in milliseconds. */
process.on("message", () => {
  process.send?.({
    lateP99: late.percentile(99) / 1000,
    heldP99: held.percentile(99) / 1000,
    heldMax: held.max / 1000,
  });
  late.reset();
  held.reset();
});
const stop = new AbortController();
process.on("disconnect", () => stop.abort());

await runServer({
  config: JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")),
  parts: ["apiserver", "controllers", "scheduler"],
  write: (line) => process.stderr.write(`${line}\n`),
  debug: false,
  signal: stop.signal,
});
process.exit(0);
