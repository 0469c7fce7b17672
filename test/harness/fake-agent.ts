/** A node's end of the tunnel that answers every session by a script instead of a container. */
import type { ClientDuplexStream } from "@grpc/grpc-js";
import { NodeTunnelClient, type SessionFrame, type SessionRequest } from "#services/tunnel";
import {
  channelCredentials,
  channelOptions,
  type GrpcAccess,
} from "../../client/transport/grpc.ts";

export type Frame = NonNullable<SessionFrame["frame"]>;

export interface AgentSession {
  readonly request: SessionRequest;
  /** Frames from the server, until it has no more. */
  frames(): AsyncIterable<Frame>;
  send(frame: Frame): void;
  end(exitCode?: number, error?: { readonly reason: string; readonly message: string }): void;
}

export interface FakeAgent {
  /** Resolves when the server knows the node. */
  readonly ready: Promise<void>;
  close(): void;
}

export function startFakeAgent(
  access: GrpcAccess,
  serve: (session: AgentSession) => Promise<void>,
): FakeAgent {
  const client = new NodeTunnelClient(
    access.address,
    channelCredentials(access),
    channelOptions(access),
  );
  const listening = client.listen({});
  const ready = new Promise<void>((resolve) => listening.once("metadata", () => resolve()));
  listening.on("error", () => {});
  listening.on("data", (request: SessionRequest) => {
    const stream = client.session();
    stream.on("error", () => {});
    stream.write({ frame: { $case: "open", value: request.sessionId } });
    void serve(session(request, stream));
  });
  return {
    ready,
    close: () => {
      listening.cancel();
      client.close();
    },
  };
}

function session(
  request: SessionRequest,
  stream: ClientDuplexStream<SessionFrame, SessionFrame>,
): AgentSession {
  return {
    request,
    frames: async function* () {
      // Not `for await`: whoever stops reading still has to send, and leaving that loop ends the stream.
      const frames = (stream as AsyncIterable<SessionFrame>)[Symbol.asyncIterator]();
      for (;;) {
        const { done, value } = await frames.next().catch(() => ({ done: true, value: undefined }));
        if (done) return;
        if (value?.frame !== undefined) yield value.frame;
      }
    },
    send: (frame) => {
      stream.write({ frame });
    },
    end: (exitCode = 0, error) => {
      const value = {
        exitCode,
        errorReason: error?.reason ?? "",
        errorMessage: error?.message ?? "",
      };
      stream.write({ frame: { $case: "end", value } });
      stream.end();
    },
  };
}
