import { Duplex } from "node:stream";
import { sessionFailure, type TunnelSession } from "./tunnel.ts";

/** A session to a pod's port as a socket, for libraries that speak over one. */
export function sessionSocket(session: TunnelSession): Duplex {
  return new Duplex({
    read() {
      readNext(this, session).catch((error: Error) => this.destroy(error));
    },
    write(chunk: Buffer, _encoding, done) {
      session.send({ $case: "stdin", value: chunk }).then(() => done(), done);
    },
    final(done) {
      session.send({ $case: "stdinEnd", value: true }).then(() => done(), done);
    },
    destroy(error, done) {
      session.close();
      done(error);
    },
  });
}

async function readNext(socket: Duplex, session: TunnelSession): Promise<void> {
  for (;;) {
    const frame = await session.next();
    if (frame?.$case === "stdout") {
      socket.push(frame.value);
      return;
    }
    if (frame !== undefined && frame.$case !== "end") continue;
    const failure = sessionFailure(frame?.value);
    if (failure === undefined) socket.push(null);
    else socket.destroy(failure);
    return;
  }
}
