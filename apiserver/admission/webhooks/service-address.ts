import type { Random } from "#lib/random";
import type { ServiceReference } from "#proto/admissionregistration/v1";
import type { Reader } from "../../chain/steps.ts";
import { type ServiceEndpoint, serviceEndpoints } from "../../proxy/service-endpoints.ts";

/** One of a service's ready endpoints. Throws an Error that says what the service lacks. */
export async function serviceAddress(
  service: ServiceReference,
  reader: Reader,
  random: Random,
): Promise<Pick<ServiceEndpoint, "host" | "port">> {
  const all = await serviceEndpoints(service, reader);
  const { host, port } = all[Math.floor(random.fraction() * all.length)] as ServiceEndpoint;
  return { host, port };
}
