/** Gives services their cluster addresses and node ports, as far as they do not name them. Their write makes the choice good. */
import type { JsonObject } from "#lib/json";
import type { Random } from "#lib/random";
import { StatusError } from "#lib/status-error";
import type { Service } from "#proto/core/v1";
import { services } from "#resources";
import type { AdmissionRequest, Reader } from "../chain/steps.ts";
import { type Causes, invalid } from "../rules/causes.ts";
import { chooseAddress } from "./choose-address.ts";
import { chooseHealthCheckPort, choosePorts } from "./choose-ports.ts";
import { type Claim, claimsOf, isSameClaim } from "./records.ts";
import { rangesOf } from "./service-ranges.ts";

type Spec = Service["spec"];

export interface ServiceAddressesOptions {
  /** The range of a cluster whose own ServiceCIDR is not made yet. */
  readonly serviceCidr: string;
  readonly random: Random;
}

/** What a service is chosen for. */
export interface Choice {
  readonly spec: Spec;
  /** The service as it is, if it is changed. */
  readonly old: Service | undefined;
  readonly isFree: (claim: Claim) => boolean;
  readonly random: Random;
}

export class ServiceAddresses {
  readonly #options: ServiceAddressesOptions;

  constructor(options: ServiceAddressesOptions) {
    this.#options = options;
  }

  admit(request: AdmissionRequest, reader: Reader): Promise<JsonObject> | undefined {
    const { object, operation, resource, subresource } = request;
    const isWrite = operation === "CREATE" || operation === "UPDATE";
    if (resource !== services || subresource !== undefined || !isWrite || object === undefined)
      return undefined;
    return this.#assign(request, object, reader);
  }

  async #assign(
    request: AdmissionRequest,
    object: JsonObject,
    reader: Reader,
  ): Promise<JsonObject> {
    const spec = object["spec"] as unknown as Spec;
    if (spec.type === "ExternalName") return { ...object, spec: withoutAddress(spec) };
    const old = request.oldObject as unknown as Service | undefined;
    const { serviceCidr, random } = this.#options;
    // Beside the ranges, this brings every record that is stored here.
    const ranges = await rangesOf(reader, serviceCidr);
    const had = old === undefined ? [] : claimsOf(old);
    const isFree = (claim: Claim): boolean =>
      had.some((each) => isSameClaim(each, claim)) ||
      reader.known(claim.resource, undefined, claim.name) === undefined;
    const choice: Choice = { spec, old, isFree, random };
    const check = (causes: Causes): void => refuse(request, causes);
    check(familyCauses(spec, old === undefined));
    const clusterIP = chooseAddress(choice, ranges, check);
    const ports = choosePorts(choice, check);
    const healthCheckNodePort = chooseHealthCheckPort(
      { ...choice, spec: { ...spec, ports } },
      check,
    );
    const { healthCheckNodePort: _, ports: _ports, ...rest } = spec;
    const assigned: Spec = {
      ...rest,
      clusterIP,
      clusterIPs: [clusterIP],
      ipFamilies: spec.ipFamilies ?? ["IPv4"],
      ipFamilyPolicy: spec.ipFamilyPolicy ?? "SingleStack",
      ...(ports.length === 0 ? {} : { ports }),
      ...(healthCheckNodePort === 0 ? {} : { healthCheckNodePort }),
    };
    return { ...object, spec: assigned as unknown as JsonObject };
  }
}

/** Nodes here speak IPv4 only. */
function familyCauses(spec: Spec, isNew: boolean): Causes {
  const { clusterIP = "", clusterIPs = [], ipFamilies = [], ipFamilyPolicy, selector } = spec;
  // Whoever lists a headless service's addresses himself may list those of both families.
  if (clusterIP === "None" && Object.keys(selector ?? {}).length === 0) return [];
  const [first = "", ...more] = clusterIPs;
  const addresses = [
    ...(first === clusterIP || clusterIPs.length === 0 || !isNew
      ? []
      : [invalid("spec.clusterIPs", clusterIPs, "first value must match `clusterIP`")]),
    ...more.map((address, at) =>
      invalid(`spec.clusterIPs[${at + 1}]`, address, "only one address family is configured"),
    ),
  ];
  const wrong = ipFamilies.flatMap((family, at) =>
    family === "IPv4"
      ? []
      : [invalid(`spec.ipFamilies[${at}]`, family, "not configured on this cluster")],
  );
  if (ipFamilyPolicy !== "RequireDualStack") return [...addresses, ...wrong];
  const why = "this cluster is not configured for dual-stack services";
  return [...addresses, ...wrong, invalid("spec.ipFamilyPolicy", ipFamilyPolicy, why)];
}

function refuse({ name = "" }: AdmissionRequest, causes: Causes): void {
  if (causes.length === 0) return;
  const texts = causes.map(({ field, message }) => `${field}: ${message}`);
  throw new StatusError("Invalid", `Service "${name}" is invalid: ${texts.join(", ")}`, {
    details: { name, kind: services.kind, causes },
  });
}

function withoutAddress({
  clusterIP: _a,
  clusterIPs: _b,
  ipFamilies: _c,
  ipFamilyPolicy: _d,
  healthCheckNodePort: _e,
  ...spec
}: Spec): JsonObject {
  const ports = spec.ports?.map(({ nodePort: _, ...port }) => port);
  return { ...spec, ...(ports === undefined ? {} : { ports }) } as unknown as JsonObject;
}
