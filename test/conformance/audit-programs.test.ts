/** The audit log of the API server as a program of its own: killed, ended, badly configured, sending to a server. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { Agent, createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import { createServer as listenTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { AuditConfig, ServerConfig } from "../../naru/config.ts";
import { kubeconfigText } from "../../naru/kubeconfig.ts";
import { type Credential, issueAuthority, issueCertificate } from "../../naru/pki/issue.ts";
import { newTokenKey } from "../../naru/pki/token-key.ts";
import { eventsIn, type LoggedEvent } from "../harness/audit-log.ts";
import { until } from "../harness/until.ts";

const TIMEOUT = { timeout: 120_000 };
const VALIDITY = { nowMs: Date.now(), days: 1 };
const POLICY = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
`;

let directory: string;
let authority: Credential;
let admin: Credential;
let serving: Credential;
let restPort: number;
const file = (name: string): string => join(directory, name);

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "naru-audit-"));
  authority = await issueAuthority("test-ca", VALIDITY);
  const issue = (commonName: string, usage: "client" | "server", organizations: string[] = []) =>
    issueCertificate(
      authority,
      { commonName, organizations, usage, names: ["127.0.0.1"] },
      VALIDITY,
    );
  admin = await issue("admin", "client", ["system:masters"]);
  serving = await issue("server", "server");
  await writeFile(file("ca.crt"), authority.certificate);
  await writeFile(file("ca.key"), authority.key);
  await writeFile(file("server.crt"), serving.certificate);
  await writeFile(file("server.key"), serving.key);
  const proxies = await issueAuthority("proxy-ca", VALIDITY);
  const subject = { commonName: "proxy", organizations: [], usage: "client", names: [] } as const;
  const proxy = await issueCertificate(proxies, subject, VALIDITY);
  await writeFile(file("proxy-ca.crt"), proxies.certificate);
  await writeFile(file("proxy.crt"), proxy.certificate);
  await writeFile(file("proxy.key"), proxy.key);
  await writeFile(file("token.key"), newTokenKey());
  await writeFile(file("policy.yaml"), POLICY);
  restPort = await freePort();
}, TIMEOUT);

after(() => rm(directory, { recursive: true, force: true }));

async function freePort(): Promise<number> {
  const server = listenTcp().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function startProgram(audit: AuditConfig): Promise<{
  readonly child: ChildProcess;
  readonly said: () => string;
}> {
  const config: ServerConfig = {
    dataDir: file("data"),
    datastore: "memory",
    host: "127.0.0.1",
    restPort,
    grpcPort: await freePort(),
    serviceCidr: "10.96.0.0/16",
    tls: {
      authority: file("ca.crt"),
      authorityKey: file("ca.key"),
      certificate: file("server.crt"),
      key: file("server.key"),
    },
    frontProxy: {
      authorityPath: file("proxy-ca.crt"),
      certificatePath: file("proxy.crt"),
      keyPath: file("proxy.key"),
    },
    tokenKey: file("token.key"),
    audit,
  };
  await writeFile(file("config.json"), JSON.stringify(config));
  const program = new URL("../../naru/programs/server.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [program, "apiserver", "--config", file("config.json")]);
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString("utf8");
  });
  return { child, said: () => said };
}

const logTo = (path: string): AuditConfig => ({
  policyFile: file("policy.yaml"),
  log: { path, maxAgeDays: 0, maxBackups: 0, maxSizeMegabytes: 100 },
});

interface Answer {
  readonly code: number;
  readonly auditId: string | undefined;
}

/** Rejects when the server is gone. */
function ask(agent: Agent, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const url = `https://127.0.0.1:${restPort}${path}`;
    const sent = request(url, { agent }, (response) => {
      response.resume();
      response.once("error", reject);
      const auditId = response.headers["audit-id"] as string | undefined;
      response.once("end", () => resolve({ code: response.statusCode ?? 0, auditId }));
    });
    sent.once("error", reject);
    sent.end();
  });
}

function adminAgent(): Agent {
  const { certificate: cert, key } = admin;
  return new Agent({ ca: authority.certificate, cert, key, keepAlive: true, maxSockets: 16 });
}

async function ready(agent: Agent, said: () => string): Promise<void> {
  await until(`the server: ${said()}`, 40_000, async () => {
    const { code } = await ask(agent, "/readyz");
    return code === 200;
  });
}

for (const signal of ["SIGKILL", "SIGTERM"] as const) {
  test(`every answer before ${signal} is in the log`, TIMEOUT, async () => {
    const path = file(`audit-${signal}.log`);
    const { child, said } = await startProgram(logTo(path));
    const exited = once(child, "exit");
    const agent = adminAgent();
    await ready(agent, said);
    const answered: string[] = [];
    const worker = async (): Promise<void> => {
      for (;;) {
        const { auditId = "none" } = await ask(agent, "/api/v1/namespaces/default");
        answered.push(auditId);
      }
    };
    const workers = Array.from({ length: 8 }, () => worker().catch(() => {}));
    await until("many answers", 20_000, async () => answered.length > 300);
    child.kill(signal);
    await Promise.all([...workers, exited]);
    agent.destroy();
    const recorded = new Set(eventsIn(path).map(({ auditID }) => auditID));
    assert.deepEqual(
      answered.filter((id) => !recorded.has(id)),
      [],
    );
  });
}

test("a policy that cannot be read ends the program, with its line", TIMEOUT, async () => {
  await writeFile(file("bad.yaml"), POLICY.replace("Metadata", "Meta"));
  const { child, said } = await startProgram({
    ...logTo(file("x.log")),
    policyFile: file("bad.yaml"),
  });
  const [code] = await once(child, "exit");
  assert.equal(code, 78);
  assert.match(
    said(),
    /cannot run: .*bad\.yaml: line 4: rules\[0\]\.level: Unsupported value: "Meta"/,
  );
});

test("events go to the server of a kubeconfig, which knows who sends them", TIMEOUT, async () => {
  const taken: LoggedEvent[] = [];
  const senders: string[] = [];
  const { certificate: cert, key } = serving;
  const options = { cert, key, ca: authority.certificate, requestCert: true };
  const receiver = createServer(options, (incoming, response) => {
    const chunks: Buffer[] = [];
    const socket = incoming.socket as unknown as {
      getPeerCertificate(): { readonly subject: { readonly CN: string } };
    };
    senders.push(socket.getPeerCertificate().subject.CN);
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      taken.push(...JSON.parse(Buffer.concat(chunks).toString("utf8")).items);
      response.end();
    });
  });
  receiver.listen(0, "127.0.0.1");
  await once(receiver, "listening");
  const url = `https://127.0.0.1:${(receiver.address() as AddressInfo).port}/events`;
  const text = kubeconfigText({ server: url, authority: authority.certificate, user: admin });
  await writeFile(file("receiver"), text);
  const { child, said } = await startProgram({
    policyFile: file("policy.yaml"),
    webhook: { configFile: file("receiver"), batching: { maxWaitMs: 50 } },
  });
  const exited = once(child, "exit");
  const agent = adminAgent();
  try {
    await ready(agent, said);
    const { auditId } = await ask(agent, "/api/v1/namespaces/default");
    await until("the event", 20_000, async () => taken.some((each) => each.auditID === auditId));
    const last = ask(agent, "/api/v1/namespaces/kube-system");
    const { auditId: lastId } = await last;
    // What is still in the buffer goes with the server's end.
    child.kill("SIGTERM");
    await exited;
    assert.ok(taken.some(({ auditID }) => auditID === lastId));
    assert.ok(senders.every((name) => name === "admin"));
  } finally {
    child.kill("SIGKILL");
    agent.destroy();
    receiver.close();
  }
});
