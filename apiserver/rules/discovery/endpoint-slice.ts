import { isIP } from "node:net";
import { labelNameProblem, subdomainProblem } from "#lib/api/names";
import type { EndpointSlice } from "#proto/discovery/v1";
import { type Causes, duplicate, invalid, required } from "../causes.ts";
import { between, named, oneOf, repeats, requiredOneOf } from "../checks.ts";
import type { KindRules } from "../kind-rules.ts";

const ADDRESS_TYPES = ["FQDN", "IPv4", "IPv6"];
const PROTOCOLS = ["SCTP", "TCP", "UDP"];
const PORT = { min: 1, max: 65_535 };
/** Kubernetes' bounds: a slice is written whole each time one of its endpoints changes. */
const ENDPOINTS_MAX = 1000;
const ADDRESSES_MAX = 100;

export const endpointSliceRules: KindRules = {
  nameRule: "subdomain",
  validate(object) {
    const { addressType, endpoints, ports } = object as unknown as EndpointSlice;
    const wrongType = requiredOneOf("addressType", addressType, ADDRESS_TYPES);
    if (wrongType.length > 0) return wrongType;
    return [...validateEndpoints(endpoints ?? [], addressType), ...validatePorts(ports ?? [])];
  },
  validateUpdate: (object, old) =>
    object["addressType"] === old["addressType"]
      ? []
      : [invalid("addressType", object["addressType"], "field is immutable")],
};

function validateEndpoints(
  endpoints: EndpointSlice["endpoints"],
  type: EndpointSlice["addressType"],
): Causes {
  if (endpoints.length > ENDPOINTS_MAX) return [tooMany("endpoints", ENDPOINTS_MAX)];
  return endpoints.flatMap(({ addresses = [], hostname, nodeName }, at) => {
    const here = `endpoints[${at}]`;
    if (addresses.length === 0)
      return [required(`${here}.addresses`, "must contain at least 1 address")];
    if (addresses.length > ADDRESSES_MAX) return [tooMany(`${here}.addresses`, ADDRESSES_MAX)];
    return [
      ...addresses.flatMap((address, index) =>
        validateAddress(`${here}.addresses[${index}]`, address, type),
      ),
      ...named(`${here}.hostname`, hostname, labelNameProblem),
      ...named(`${here}.nodeName`, nodeName, subdomainProblem),
    ];
  });
}

function validateAddress(
  path: string,
  address: string,
  type: EndpointSlice["addressType"],
): Causes {
  if (type === "FQDN") return named(path, address, subdomainProblem);
  const isRight = isIP(address) === (type === "IPv4" ? 4 : 6);
  return isRight ? [] : [invalid(path, address, `must be a valid ${type} address`)];
}

function validatePorts(ports: EndpointSlice["ports"]): Causes {
  const isTwice = repeats(ports.map(({ name = "" }) => name));
  return ports.flatMap(({ name = "", port, protocol }, at) => {
    const here = `ports[${at}]`;
    return [
      ...named(`${here}.name`, name, labelNameProblem),
      ...(isTwice[at] ? [duplicate(`${here}.name`, name)] : []),
      ...between(`${here}.port`, port, PORT),
      ...oneOf(`${here}.protocol`, protocol, PROTOCOLS),
    ];
  });
}

function tooMany(field: string, max: number) {
  return {
    reason: "FieldValueTooMany",
    field,
    message: `Too many: must have at most ${max} items`,
  };
}
