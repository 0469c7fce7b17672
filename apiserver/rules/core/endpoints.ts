import { labelNameProblem } from "#lib/api/names";
import type { Endpoints } from "#proto/core/v1";
import { type Causes, required } from "../causes.ts";
import { between, ipAddress, named, nonEmpty, requiredOneOf } from "../checks.ts";
import type { KindRules } from "../kind-rules.ts";

type Subset = NonNullable<Endpoints["subsets"]>[number];

const PORT = { min: 1, max: 65_535 };
const PROTOCOLS = ["SCTP", "TCP", "UDP"];

export const endpointsRules: KindRules = {
  nameRule: "subdomain",
  validate: (object) =>
    ((object as unknown as Endpoints).subsets ?? []).flatMap((subset, at) =>
      validateSubset(subset, `subsets[${at}]`),
    ),
};

function validateSubset(subset: Subset, path: string): Causes {
  const { addresses = [], notReadyAddresses = [], ports = [] } = subset;
  if (addresses.length + notReadyAddresses.length === 0)
    return [required(path, "must specify `addresses` or `notReadyAddresses`")];
  return [
    ...addresses.flatMap(({ ip }, at) => ipAddress(`${path}.addresses[${at}].ip`, ip)),
    ...notReadyAddresses.flatMap(({ ip }, at) =>
      ipAddress(`${path}.notReadyAddresses[${at}].ip`, ip),
    ),
    ...ports.flatMap(({ name, port, protocol }, at) => {
      const here = `${path}.ports[${at}]`;
      return [
        ...(ports.length > 1 ? nonEmpty(`${here}.name`, name) : []),
        ...named(`${here}.name`, name, labelNameProblem),
        ...between(`${here}.port`, port ?? 0, PORT),
        ...requiredOneOf(`${here}.protocol`, protocol ?? "TCP", PROTOCOLS),
      ];
    }),
  ];
}
