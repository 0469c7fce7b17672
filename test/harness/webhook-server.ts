/** An admission webhook on loopback, over HTTPS, that answers as the test says. */
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { JsonObject } from "#lib/json";
import { issueAuthority, issueCertificate } from "../../naru/pki/issue.ts";

export interface Review {
  readonly path: string;
  /** What was asked: an AdmissionRequest. */
  readonly request: JsonObject;
}

export interface WebhookServer extends AsyncDisposable {
  readonly port: number;
  /** PEM in base64, for `caBundle`. */
  readonly caBundle: string;
  /** Everything it was asked, in order. */
  readonly asked: Review[];
  /** How many of those did not wait for the answer. */
  abandoned: number;
  /** An AdmissionResponse without its uid; or an answer that is none: text with a status. */
  answer: (review: Review) => Answer | Promise<Answer>;
}

type Answer = JsonObject | { readonly status: number; readonly text: string } | "never";

const VALIDITY = { nowMs: Date.now(), days: 1 };

export async function startWebhookServer(
  names: readonly string[] = ["127.0.0.1"],
): Promise<WebhookServer> {
  const authority = await issueAuthority("webhook-ca", VALIDITY);
  const { certificate, key } = await issueCertificate(
    authority,
    { commonName: "webhook", organizations: [], usage: "server", names },
    VALIDITY,
  );
  const server = createServer({ cert: certificate, key }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.once("close", () => {
      if (!response.writableEnded) webhook.abandoned++;
    });
    request.on("end", async () => {
      const {
        apiVersion,
        kind,
        request: asked,
      } = JSON.parse(Buffer.concat(chunks).toString("utf8"));
      const review = { path: request.url ?? "", request: asked };
      webhook.asked.push(review);
      const answer = await webhook.answer(review);
      if (answer === "never") return;
      if ("text" in answer) {
        response.writeHead(Number(answer["status"])).end(answer["text"]);
        return;
      }
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ apiVersion, kind, response: { uid: asked.uid, ...answer } }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const webhook: WebhookServer = {
    port: (server.address() as AddressInfo).port,
    caBundle: Buffer.from(authority.certificate).toString("base64"),
    asked: [],
    abandoned: 0,
    answer: () => ({ allowed: true }),
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
  return webhook;
}

/** A patch as an AdmissionResponse holds it. */
export function patching(operations: readonly JsonObject[]): JsonObject {
  const patch = Buffer.from(JSON.stringify(operations)).toString("base64");
  return { allowed: true, patchType: "JSONPatch", patch };
}
