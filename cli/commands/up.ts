import { resolve } from "node:path";
import { NODES_MAX } from "../../naru/cluster-plan.ts";
import { layoutOf } from "../../naru/layout.ts";
import { up as start, UpError } from "../../naru/up.ts";
import { type AdmissionFlags, admissionConfig } from "../admission-options.ts";
import { type AuditFlags, auditConfig } from "../audit-options.ts";
import { type AuthenticationFlags, authenticationConfig } from "../authentication-options.ts";
import { LiveLine } from "../print/live-line.ts";
import type { Surroundings } from "../session.ts";
import { UserError } from "../terminal.ts";
import { requireRoot } from "./require-root.ts";

export interface UpCommand extends AdmissionFlags, AuditFlags, AuthenticationFlags {
  readonly nodes: number;
  readonly dataDir: string;
  readonly datastore: string;
  readonly apiPort: number;
  readonly grpcPort: number;
  readonly timeout: number;
  readonly nodeGrace?: number;
  readonly encryptionProviderConfig?: string;
}

export async function up(surroundings: Surroundings, command: UpCommand): Promise<void> {
  requireRoot("naru up");
  const { clock, signal, terminal } = surroundings;
  if (command.nodes < 1 || command.nodes > NODES_MAX) {
    throw new UserError(`--nodes ${command.nodes}: between 1 and ${NODES_MAX}`);
  }
  const layout = layoutOf(command.dataDir);
  const authentication = authenticationConfig(command);
  const audit = auditConfig(command);
  const admission = admissionConfig(command);
  const { encryptionProviderConfig: encryption } = command;
  using line = new LiveLine(terminal);
  const startedMs = clock.monotonicMs();
  try {
    const { changed, plan } = await start({
      layout,
      request: {
        nodes: command.nodes,
        datastore: command.datastore,
        restPort: command.apiPort,
        grpcPort: command.grpcPort,
        ...(command.nodeGrace === undefined ? {} : { nodeGraceMs: command.nodeGrace * 1000 }),
        ...(authentication === undefined ? {} : { authentication }),
        ...(audit === undefined ? {} : { audit }),
        ...(admission === undefined ? {} : { admission }),
        ...(encryption === undefined ? {} : { encryptionProviderConfig: resolve(encryption) }),
      },
      clock,
      signal,
      timeoutMs: command.timeout * 1000,
      progress: (text) => line.show(text),
    });
    const count = `${plan.nodes.length} ${plan.nodes.length === 1 ? "node" : "nodes"}`;
    const seconds = ((clock.monotonicMs() - startedMs) / 1000).toFixed(1);
    line.end(
      changed
        ? `cluster is up: ${count} ready after ${seconds} s`
        : `cluster was up: ${count} ready`,
    );
  } catch (error) {
    if (error instanceof UpError) throw new UserError(error.message, { cause: error });
    throw error;
  }
}
