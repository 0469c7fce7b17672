import { BlockList, isIP } from "node:net";
import type { JsonObject } from "#lib/json";
import type {
  IPBlock,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from "#proto/networking/v1";
import { type Causes, forbidden, invalid, required } from "../causes.ts";
import { between, labelSelector, oneOf, portReference } from "../checks.ts";
import { type KindRules, specOf } from "../kind-rules.ts";

type Spec = NonNullable<NetworkPolicy["spec"]>;

const TYPES = ["Egress", "Ingress"];
const PROTOCOLS = ["SCTP", "TCP", "UDP"];
const PORTS = { min: 1, max: 65_535 };

export const networkPolicyRules: KindRules = {
  nameRule: "subdomain",
  complete(object) {
    const { egress = [], policyTypes = [] } = specOf(object) as unknown as Spec;
    if (policyTypes.length > 0) return object;
    // Kubernetes' rule for policies that are older than the field.
    const types = egress.length > 0 ? ["Ingress", "Egress"] : ["Ingress"];
    return { ...object, spec: { ...specOf(object), policyTypes: types } as JsonObject };
  },
  validate(object) {
    const {
      egress = [],
      ingress = [],
      podSelector,
      policyTypes = [],
    } = specOf(object) as unknown as Spec;
    return [
      ...labelSelector(podSelector, "spec.podSelector"),
      ...ingress.flatMap(({ from, ports }, at) =>
        ruleProblems(`spec.ingress[${at}]`, ports ?? [], { name: "from", peers: from ?? [] }),
      ),
      ...egress.flatMap(({ ports, to }, at) =>
        ruleProblems(`spec.egress[${at}]`, ports ?? [], { name: "to", peers: to ?? [] }),
      ),
      ...policyTypes.flatMap((type, at) => oneOf(`spec.policyTypes[${at}]`, type, TYPES)),
      ...(policyTypes.length > TYPES.length
        ? [invalid("spec.policyTypes", policyTypes, "may not specify more than two policyTypes")]
        : []),
    ];
  },
};

function ruleProblems(
  path: string,
  ports: readonly NetworkPolicyPort[],
  { name, peers }: { readonly name: string; readonly peers: readonly NetworkPolicyPeer[] },
): Causes {
  return [
    ...ports.flatMap((port, at) => portProblems(`${path}.ports[${at}]`, port)),
    ...peers.flatMap((peer, at) => peerProblems(`${path}.${name}[${at}]`, peer)),
  ];
}

function portProblems(path: string, { endPort, port, protocol }: NetworkPolicyPort): Causes {
  return [
    ...oneOf(`${path}.protocol`, protocol, PROTOCOLS),
    ...(port === undefined ? [] : portReference(`${path}.port`, port)),
    ...(endPort === undefined ? [] : rangeProblems(`${path}.endPort`, port, endPort)),
  ];
}

function rangeProblems(path: string, port: NetworkPolicyPort["port"], endPort: number): Causes {
  if (port === undefined) {
    return [invalid(path, endPort, "may not be specified when `port` is not specified")];
  }
  if (typeof port === "string") {
    return [invalid(path, endPort, "may not be specified when `port` is non-numeric")];
  }
  return endPort < port
    ? [invalid(path, endPort, "must be greater than or equal to `port`")]
    : between(path, endPort, PORTS);
}

function peerProblems(path: string, peer: NetworkPolicyPeer): Causes {
  const { ipBlock, namespaceSelector, podSelector } = peer;
  const isSelected = namespaceSelector !== undefined || podSelector !== undefined;
  if (ipBlock === undefined && !isSelected) return [required(path, "must specify a peer")];
  if (ipBlock !== undefined && isSelected) {
    return [forbidden(path, "may not specify both ipBlock and another peer")];
  }
  return [
    ...labelSelector(podSelector, `${path}.podSelector`),
    ...labelSelector(namespaceSelector, `${path}.namespaceSelector`),
    ...(ipBlock === undefined ? [] : blockProblems(`${path}.ipBlock`, ipBlock)),
  ];
}

const NO_CIDR = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

function blockProblems(path: string, { cidr, except = [] }: IPBlock): Causes {
  if (cidr === "") return [required(`${path}.cidr`)];
  const whole = parseCidr(cidr);
  if (whole === undefined) return [invalid(`${path}.cidr`, cidr, NO_CIDR)];
  const inside = new BlockList();
  inside.addSubnet(whole.address, whole.bits, whole.family);
  return except.flatMap((text, at) => {
    const here = `${path}.except[${at}]`;
    const part = parseCidr(text);
    if (part === undefined) return [invalid(here, text, NO_CIDR)];
    const isWithin = part.bits > whole.bits && inside.check(part.address, part.family);
    return isWithin ? [] : [invalid(here, text, "must be a strict subset of `cidr`")];
  });
}

interface Cidr {
  readonly address: string;
  readonly bits: number;
  readonly family: "ipv4" | "ipv6";
}

function parseCidr(text: string): Cidr | undefined {
  const [address = "", length = "", ...more] = text.split("/");
  const family = isIP(address);
  const bits = Number(length);
  const isLength = /^\d{1,3}$/.test(length) && bits <= (family === 4 ? 32 : 128);
  if (family === 0 || !isLength || more.length > 0) return undefined;
  return { address, bits, family: family === 4 ? "ipv4" : "ipv6" };
}
