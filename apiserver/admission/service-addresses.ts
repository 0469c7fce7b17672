/** Cluster addresses and node ports: given out once, while the service lives. */
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import { services } from "#resources";
import type { AdmissionRequest, Reader } from "../chain/steps.ts";

/** Kubernetes' default range. */
const NODE_PORT_FIRST = 30_000;
const NODE_PORT_LAST = 32_767;
/** The first is the API's own, the tenth the DNS's; those below 256 are left to whoever names theirs. */
const DYNAMIC_OFFSET = 256;

interface Port {
  readonly port?: number;
  readonly protocol?: string;
  readonly nodePort?: number;
}

interface Taken {
  readonly addresses: ReadonlySet<string>;
  readonly nodePorts: ReadonlySet<number>;
}

export class ServiceAddresses {
  readonly #first: number;
  readonly #size: number;
  readonly #cidr: string;
  /** One at a time, so that two services made at once do not get the same. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Given out and perhaps not stored yet. */
  readonly #recent = new Map<string, string>();

  constructor(cidr: string) {
    const [base = "", prefix = ""] = cidr.split("/");
    this.#cidr = cidr;
    this.#first = toNumber(base);
    this.#size = 2 ** (32 - Number(prefix));
  }

  admit(request: AdmissionRequest, reader: Reader): Promise<JsonObject> | undefined {
    const { object, operation, resource, subresource } = request;
    const isWrite = operation === "CREATE" || operation === "UPDATE";
    if (resource !== services || subresource !== undefined || !isWrite || object === undefined) {
      return undefined;
    }
    const turn = this.#turn.then(() => this.#assign(request, object, reader));
    this.#turn = turn.catch(() => {
      // Whoever asked is told; the next turn does not depend on it.
    });
    return turn;
  }

  async #assign(
    request: AdmissionRequest,
    object: JsonObject,
    reader: Reader,
  ): Promise<JsonObject> {
    const spec = object["spec"] as JsonObject;
    if (spec["type"] === "ExternalName") return { ...object, spec: withoutAddress(spec) };
    const taken = await this.#taken(request, reader);
    const clusterIP = this.#address(request, spec, taken);
    const ports = this.#ports(request, spec, taken);
    return {
      ...object,
      spec: {
        ...spec,
        clusterIP,
        clusterIPs: [clusterIP],
        ipFamilies: spec["ipFamilies"] ?? ["IPv4"],
        ipFamilyPolicy: spec["ipFamilyPolicy"] ?? "SingleStack",
        ...(ports.length === 0 ? {} : { ports: ports as unknown as readonly JsonObject[] }),
      },
    };
  }

  #address(request: AdmissionRequest, spec: JsonObject, taken: Taken): string {
    const wanted = (spec["clusterIP"] ?? "") as string;
    if (wanted === "None") return wanted;
    const key = `${request.namespace}/${request.name}`;
    if (wanted === "") {
      const free = this.#freeAddress(taken);
      if (!request.dryRun) this.#recent.set(free, key);
      return free;
    }
    const offset = toNumber(wanted) - this.#first;
    if (!(offset > 0 && offset < this.#size))
      throw invalid(
        request,
        "spec.clusterIPs",
        wanted,
        `the provided IP is not in the valid range ${this.#cidr}`,
      );
    if (taken.addresses.has(wanted))
      throw invalid(request, "spec.clusterIPs", wanted, "provided IP is already allocated");
    if (!request.dryRun) this.#recent.set(wanted, key);
    return wanted;
  }

  #freeAddress(taken: Taken): string {
    const start = Math.min(DYNAMIC_OFFSET, Math.floor(this.#size / 2));
    for (let i = 1; i < this.#size - 1; i++) {
      // From the dynamic part on, then around to the part that is left for static ones.
      const offset = ((start + i - 2) % (this.#size - 2)) + 1;
      const address = toText(this.#first + offset);
      if (!taken.addresses.has(address)) return address;
    }
    throw new StatusError("InternalError", `no address is left in the service range ${this.#cidr}`);
  }

  #ports(request: AdmissionRequest, spec: JsonObject, taken: Taken): readonly Port[] {
    const ports = (spec["ports"] ?? []) as readonly Port[];
    const hasNodePorts =
      spec["type"] === "NodePort" ||
      (spec["type"] === "LoadBalancer" && spec["allocateLoadBalancerNodePorts"] !== false);
    if (!hasNodePorts) return ports.map(({ nodePort: _, ...port }) => port);
    const old = ((request.oldObject?.["spec"] as JsonObject | undefined)?.["ports"] ??
      []) as readonly Port[];
    const used = new Set(taken.nodePorts);
    return ports.map((port, at) => {
      const before = old.find(
        (each) => each.port === port.port && each.protocol === port.protocol,
      )?.nodePort;
      const nodePort = port.nodePort || before || freePort(used);
      const isOwn = old.some((each) => each.nodePort === nodePort);
      if (port.nodePort !== undefined && port.nodePort !== 0 && !isOwn)
        checkPort(request, at, nodePort, used);
      used.add(nodePort);
      return { ...port, nodePort };
    });
  }

  async #taken(request: AdmissionRequest, reader: Reader): Promise<Taken> {
    const { items, revision: _ } = await reader.list({ resource: services });
    const own = `${request.namespace}/${request.name}`;
    const others = items
      .map(
        (item) =>
          item.object as unknown as {
            metadata: { name: string; namespace: string };
            spec: { clusterIP?: string; ports?: readonly Port[] };
          },
      )
      .filter(({ metadata }) => `${metadata.namespace}/${metadata.name}` !== own);
    const addresses = new Set(others.flatMap(({ spec }) => spec.clusterIP ?? []));
    this.#settle(items.length, addresses, own);
    return {
      addresses,
      nodePorts: new Set(
        others.flatMap(({ spec }) => (spec.ports ?? []).flatMap((port) => port.nodePort ?? [])),
      ),
    };
  }

  /** What was given out a moment ago counts as taken until it is seen stored, or so much came since that it never will be. */
  #settle(known: number, addresses: Set<string>, own: string): void {
    for (const [address, key] of this.#recent) {
      if (addresses.has(address) || key === own) this.#recent.delete(address);
      else addresses.add(address);
    }
    if (this.#recent.size > RECENT_MAX + known) this.#recent.clear();
  }
}

const RECENT_MAX = 1000;

function freePort(used: ReadonlySet<number>): number {
  for (let port = NODE_PORT_FIRST; port <= NODE_PORT_LAST; port++) if (!used.has(port)) return port;
  throw new StatusError("InternalError", "no node port is left");
}

function checkPort(
  request: AdmissionRequest,
  at: number,
  port: number,
  used: ReadonlySet<number>,
): void {
  const field = `spec.ports[${at}].nodePort`;
  if (port < NODE_PORT_FIRST || port > NODE_PORT_LAST) {
    throw invalid(
      request,
      field,
      port,
      `provided port is not in the valid range. The range of valid ports is ${NODE_PORT_FIRST}-${NODE_PORT_LAST}`,
    );
  }
  if (used.has(port)) throw invalid(request, field, port, "provided port is already allocated");
}

function invalid(
  request: AdmissionRequest,
  field: string,
  value: unknown,
  why: string,
): StatusError {
  const { name = "" } = request;
  const message = `Invalid value: ${JSON.stringify(value)}: ${why}`;
  return new StatusError("Invalid", `Service "${name}" is invalid: ${field}: ${message}`, {
    details: { name, kind: "Service", causes: [{ reason: "FieldValueInvalid", field, message }] },
  });
}

function withoutAddress({
  clusterIP: _a,
  clusterIPs: _b,
  ipFamilies: _c,
  ipFamilyPolicy: _d,
  ...spec
}: JsonObject): JsonObject {
  return spec;
}

function toNumber(ip: string): number {
  return ip.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toText(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}
