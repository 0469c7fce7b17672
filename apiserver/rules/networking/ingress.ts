import { isIP } from "node:net";
import { portNameProblem, subdomainProblem } from "#lib/api/names";
import type {
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  IngressRule,
  IngressTLS,
} from "#proto/networking/v1";
import { type Causes, invalid, required } from "../causes.ts";
import { between, named, nonEmpty, requiredOneOf } from "../checks.ts";
import { type KindRules, specOf } from "../kind-rules.ts";

const PATH_TYPES = ["Exact", "ImplementationSpecific", "Prefix"];
const PORTS = { min: 1, max: 65_535 };
/** What a proxy and its backend may read in two ways. */
const AMBIGUOUS = ["//", "/./", "/../", "%2f", "%2F"];
const AMBIGUOUS_END = ["/..", "/."];
export const CLASS_ANNOTATION = "kubernetes.io/ingress.class";

export const ingressRules: KindRules = {
  nameRule: "subdomain",
  firstStatus: () => ({ loadBalancer: {} }),
  /** The annotation is what there was before the field. */
  validateCreate(object) {
    const { annotations = {} } = (object as unknown as Ingress).metadata;
    const value = annotations[CLASS_ANNOTATION];
    if (value === undefined || specOf(object)["ingressClassName"] === undefined) return [];
    const why = "can not be set when the class field is also set";
    return [invalid(`annotations.${CLASS_ANNOTATION}`, value, why)];
  },
  validate(object) {
    const {
      defaultBackend,
      ingressClassName,
      rules = [],
      tls = [],
    } = specOf(object) as unknown as NonNullable<Ingress["spec"]>;
    return [
      ...(defaultBackend === undefined && rules.length === 0
        ? [invalid("spec", specOf(object), "either `defaultBackend` or `rules` must be specified")]
        : []),
      ...named("spec.ingressClassName", ingressClassName, subdomainProblem),
      ...(defaultBackend === undefined ? [] : backendCauses("spec.defaultBackend", defaultBackend)),
      ...rules.flatMap((rule, at) => ruleCauses(`spec.rules[${at}]`, rule)),
      ...tls.flatMap((each, at) => tlsCauses(`spec.tls[${at}]`, each)),
    ];
  },
};

function ruleCauses(path: string, { host = "", http }: IngressRule): Causes {
  const paths = http?.paths ?? [];
  return [
    ...hostCauses(`${path}.host`, host),
    ...(http !== undefined && paths.length === 0 ? [required(`${path}.http.paths`)] : []),
    ...paths.flatMap((each, at) => pathCauses(`${path}.http.paths[${at}]`, each)),
  ];
}

function hostCauses(path: string, host: string): Causes {
  if (host === "") return [];
  if (isIP(host) !== 0) return [invalid(path, host, "must be a DNS name, not an IP address")];
  if (!host.includes("*")) return named(path, host, subdomainProblem);
  if (host.startsWith("*.") && subdomainProblem(host.slice(2)) === undefined) return [];
  return [
    invalid(
      path,
      host,
      "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
    ),
  ];
}

function pathCauses(path: string, { backend, path: text = "", pathType }: HTTPIngressPath): Causes {
  return [
    ...(pathType === undefined
      ? [required(`${path}.pathType`, "pathType must be specified")]
      : requiredOneOf(`${path}.pathType`, pathType, PATH_TYPES)),
    ...(pathType === "ImplementationSpecific"
      ? text === "" || text.startsWith("/")
        ? []
        : [invalid(`${path}.path`, text, "must be an absolute path")]
      : exactCauses(`${path}.path`, text)),
    ...backendCauses(`${path}.backend`, backend),
  ];
}

function exactCauses(path: string, text: string): Causes {
  if (!text.startsWith("/")) return [invalid(path, text, "must be an absolute path")];
  return [
    ...AMBIGUOUS.filter((part) => text.includes(part)).map((part) =>
      invalid(path, text, `must not contain '${part}'`),
    ),
    ...AMBIGUOUS_END.filter((end) => text.endsWith(end)).map((end) =>
      invalid(path, text, `cannot end with '${end}'`),
    ),
  ];
}

function backendCauses(path: string, { resource, service }: IngressBackend): Causes {
  if (resource !== undefined && service !== undefined)
    return [invalid(path, "", "cannot set both resource and service backends")];
  if (resource !== undefined)
    return [
      ...nonEmpty(`${path}.resource.kind`, resource.kind),
      ...nonEmpty(`${path}.resource.name`, resource.name),
    ];
  if (service === undefined) return [required(path, "must specify one of service or resource")];
  const { name = "", number = 0 } = service.port ?? {};
  const port = `${path}.service.port`;
  return [
    ...nonEmpty(`${path}.service.name`, service.name),
    ...named(`${path}.service.name`, service.name, subdomainProblem),
    ...(name === "" && number === 0 ? [required(port, "port name or number is required")] : []),
    ...(name !== "" && number !== 0
      ? [invalid(port, service.port, "cannot set both port name & port number")]
      : []),
    ...named(`${port}.name`, name, portNameProblem),
    ...(number === 0 ? [] : between(`${port}.number`, number, PORTS)),
  ];
}

function tlsCauses(path: string, { hosts = [], secretName }: IngressTLS): Causes {
  return [
    ...hosts.flatMap((host, at) => hostCauses(`${path}.hosts[${at}]`, host)),
    ...named(`${path}.secretName`, secretName, subdomainProblem),
  ];
}
