import { Duplex } from "node:stream";
import type { Session } from "./tunnel-client.ts";

/** A session as a connection, for libraries that serve one. */
export function sessionStream(session: Session): Duplex {
  const frames = session.frames[Symbol.asyncIterator]();
  const stream = new Duplex({
    read() {
      readNext(this, frames).catch((error: Error) => this.destroy(error));
    },
    write(chunk: Buffer, _encoding, done) {
      session.send({ $case: "stdout", value: chunk }).then(() => done(), done);
    },
  });
  const leave = (): void => {
    stream.destroy();
  };
  session.signal.addEventListener("abort", leave, { once: true });
  stream.once("close", () => session.signal.removeEventListener("abort", leave));
  return stream;
}

async function readNext(
  stream: Duplex,
  frames: AsyncIterator<{ readonly $case: string; readonly value: unknown }>,
): Promise<void> {
  for (;;) {
    const { done, value: frame } = await frames.next();
    if (done || frame.$case === "stdinEnd") {
      stream.push(null);
      return;
    }
    if (frame.$case !== "stdin") continue;
    stream.push(frame.value as Buffer);
    return;
  }
}
