/** For tests of priority and fairness: its objects, and users whose requests go over a connection each. */
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from "node:http2";
import type { JsonObject } from "#lib/json";
import type { TestServer } from "./api-server.ts";
import type { Kubectl } from "./kubectl.ts";

const GROUP = "flowcontrol.apiserver.k8s.io/v1";

export interface Answer {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Somebody who may do everything, and is in no group that has privileges. */
export class AskingUser implements Disposable {
  readonly session: ClientHttp2Session;

  private constructor(session: ClientHttp2Session) {
    this.session = session;
  }

  static async named(name: string, server: TestServer, k: Kubectl): Promise<AskingUser> {
    await k.ok([
      "create",
      "clusterrolebinding",
      name,
      "--clusterrole=cluster-admin",
      `--user=${name}`,
    ]);
    const { certificate, key } = await server.credential(name);
    const url = `https://127.0.0.1:${server.server.restPort}`;
    return new AskingUser(
      connect(url, { ca: server.authority.certificate, cert: certificate, key }),
    );
  }

  ask(method: string, path: string, body?: JsonObject): Promise<Answer> {
    const head = { ":method": method, ":path": path, "content-type": "application/json" };
    const stream = this.session.request(head, { endStream: false });
    stream.end(body === undefined ? undefined : JSON.stringify(body));
    return new Promise((resolve, reject) => {
      let headers: IncomingHttpHeaders = {};
      let text = "";
      stream.once("response", (given) => {
        headers = given;
      });
      stream.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      stream.once("error", reject);
      stream.once("close", () => resolve({ code: Number(headers[":status"]), headers, text }));
    });
  }

  [Symbol.dispose](): void {
    this.session.close();
  }
}

/** Of all that the user asks for. */
export const flowSchema = (
  name: string,
  level: string,
  precedence: number,
  user: string,
): JsonObject => ({
  apiVersion: GROUP,
  kind: "FlowSchema",
  metadata: { name },
  spec: {
    priorityLevelConfiguration: { name: level },
    matchingPrecedence: precedence,
    distinguisherMethod: { type: "ByUser" },
    rules: [
      {
        subjects: [{ kind: "User", user: { name: user } }],
        resourceRules: [
          {
            verbs: ["*"],
            apiGroups: ["*"],
            resources: ["*"],
            namespaces: ["*"],
            clusterScope: true,
          },
        ],
      },
    ],
  },
});

export const priorityLevel = (name: string, limited: JsonObject): JsonObject => ({
  apiVersion: GROUP,
  kind: "PriorityLevelConfiguration",
  metadata: { name },
  spec: { type: "Limited", limited },
});

export async function applyAll(k: Kubectl, ...objects: readonly JsonObject[]): Promise<void> {
  for (const object of objects) await k.ok(["apply", "-f", "-"], { input: JSON.stringify(object) });
}
