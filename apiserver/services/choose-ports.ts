/** Node ports. Their number belongs to one service, which may use it for several protocols. */
import { StatusError } from "#lib/status-error";
import type { Service } from "#proto/core/v1";
import { type Causes, invalid } from "../rules/causes.ts";
import { isHealthChecked } from "../rules/core/service.ts";
import { choices, staticBand } from "./bands.ts";
import { nodePortRecords } from "./records.ts";
import type { Choice } from "./service-addresses.ts";

type Spec = Service["spec"];
type Port = NonNullable<Spec["ports"]>[number];

/** Kubernetes' default range, and its share of the static band: one in 32, and 128 at most. */
export const NODE_PORTS = { first: 30_000, last: 32_767 };
const STATIC_SHARE = { divisor: 32, max: 128 };

export function choosePorts(choice: Choice, check: (causes: Causes) => void): readonly Port[] {
  const { old, spec } = choice;
  const ports = spec.ports ?? [];
  if (!reachesNodes(spec)) return withoutFormer(ports, old?.spec);
  const known = withKnown(ports, old?.spec);
  const isWanted = spec.type === "NodePort" || spec.allocateLoadBalancerNodePorts !== false;
  const used = new Set(known.map(({ nodePort = 0 }) => nodePort));
  const chosen: Port[] = [];
  for (const [at, port] of known.entries()) {
    const given = port.nodePort ?? 0;
    if (given !== 0) check(portCauses(choice, `spec.ports[${at}].nodePort`, given));
    const nodePort =
      given || (isWanted ? nodePortFor(choice, port, [...chosen, ...known], used) : 0);
    used.add(nodePort);
    chosen.push(nodePort === 0 ? port : { ...port, nodePort });
  }
  return chosen;
}

/** For load balancers, which ask there whether a node has endpoints of its own; 0 for none. */
export function chooseHealthCheckPort(choice: Choice, check: (causes: Causes) => void): number {
  const { old, spec } = choice;
  const { healthCheckNodePort = 0 } = spec;
  const before = old?.spec.healthCheckNodePort ?? 0;
  // What is given to the wrong type is for the rules to refuse, unless it went with the type.
  if (!isHealthChecked(spec)) return healthCheckNodePort === before ? 0 : healthCheckNodePort;
  const given =
    healthCheckNodePort || (old !== undefined && isHealthChecked(old.spec) ? before : 0);
  if (given !== 0) check(portCauses(choice, "spec.healthCheckNodePort", given));
  return given || freePort(choice, new Set(spec.ports?.map(({ nodePort = 0 }) => nodePort)));
}

function reachesNodes({ type }: Spec): boolean {
  return type === "NodePort" || type === "LoadBalancer";
}

/** A service that leaves the nodes gives up the ports that it had there, though the update still names them. */
function withoutFormer(ports: readonly Port[], old: Spec | undefined): readonly Port[] {
  if (old === undefined || !reachesNodes(old)) return ports;
  const former = new Set(old.ports?.map(({ nodePort }) => nodePort));
  return ports.map(({ nodePort, ...port }) =>
    nodePort === undefined || former.has(nodePort) ? port : { ...port, nodePort },
  );
}

/** An update that leaves a port's number out means the one that it has; ports are known by their names. */
function withKnown(ports: readonly Port[], old: Spec | undefined): readonly Port[] {
  const named = new Set(ports.map(({ nodePort = 0 }) => nodePort));
  return ports.map((port) => {
    const before = old?.ports?.find(({ name = "" }) => name === (port.name ?? ""))?.nodePort ?? 0;
    const isKept = (port.nodePort ?? 0) === 0 && before !== 0 && !named.has(before);
    return isKept ? { ...port, nodePort: before } : port;
  });
}

/** One port for several protocols has one number on the nodes as well. */
function nodePortFor(
  choice: Choice,
  { port, protocol }: Port,
  others: readonly Port[],
  used: ReadonlySet<number>,
): number {
  const same = others.filter((each) => each.port === port && each.protocol !== protocol);
  return same.find(({ nodePort = 0 }) => nodePort !== 0)?.nodePort ?? freePort(choice, used);
}

function freePort({ isFree, random }: Choice, used: ReadonlySet<number>): number {
  const size = NODE_PORTS.last - NODE_PORTS.first + 1;
  for (const offset of choices(size, staticBand(size, STATIC_SHARE), random)) {
    const port = NODE_PORTS.first + offset;
    if (!used.has(port) && isFree({ resource: nodePortRecords, name: String(port) })) return port;
  }
  const range = `${NODE_PORTS.first}-${NODE_PORTS.last}`;
  throw new StatusError(
    "InternalError",
    `failed to allocate a node port: the range ${range} is full`,
  );
}

function portCauses({ isFree }: Choice, field: string, port: number): Causes {
  if (port < NODE_PORTS.first || port > NODE_PORTS.last) {
    const range = `${NODE_PORTS.first}-${NODE_PORTS.last}`;
    const why = `provided port is not in the valid range. The range of valid ports is ${range}`;
    return [invalid(field, port, why)];
  }
  if (isFree({ resource: nodePortRecords, name: String(port) })) return [];
  return [invalid(field, port, "provided port is already allocated")];
}
