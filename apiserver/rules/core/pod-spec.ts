import { labelNameProblem } from "#lib/api/names";
import type { JsonObject } from "#lib/json";
import type { Pod } from "#proto/core/v1";
import { type Causes, forbidden, invalid, required } from "../causes.ts";
import { atLeast, between, ipAddress, named, requiredOneOf } from "../checks.ts";
import { validateResourceClaims } from "./pod-claims.ts";
import { type ContainersContext, validateContainers, validateHostPorts } from "./pod-containers.ts";
import { validatePodResources } from "./pod-level-resources.ts";
import { validateScheduling } from "./pod-scheduling.ts";
import { validateGates, validatePodSecurity } from "./pod-security.ts";
import { validateVolumes } from "./pod-volumes.ts";
import { validateTolerations } from "./tolerations.ts";

const RESTART = ["Always", "Never", "OnFailure"];
const DNS = ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"];
const SYSTEMS = ["linux", "windows"];
const DEADLINE = { min: 1, max: 2_147_483_647 };
/** What resolvers read of resolv.conf. */
const NAMESERVERS_MAX = 3;
const SEARCHES_MAX = 32;

/** Also for templates, where `path` is `spec.template.spec`. */
export function validatePodSpec(spec: JsonObject, path: string): Causes {
  const pod = spec as unknown as Pod["spec"];
  const { containers = [], initContainers = [], volumes = [] } = pod;
  const context = (name: string): Omit<ContainersContext, "earlier" | "isInit"> => ({
    path: `${path}.${name}`,
    volumes: new Set(volumes.map((volume) => volume.name)),
    hostNetwork: pod.hostNetwork === true,
    restartPolicy: pod.restartPolicy,
  });
  return [
    ...(containers.length === 0 ? [required(`${path}.containers`)] : []),
    ...validateNoEphemeral(spec, path),
    ...validateLife(pod, path),
    ...validateNames(pod, path),
    ...validateDns(pod, path),
    ...validateVolumes(volumes, `${path}.volumes`),
    ...validateContainers(initContainers, {
      ...context("initContainers"),
      earlier: [],
      isInit: true,
    }),
    ...validateContainers(containers, {
      ...context("containers"),
      earlier: initContainers,
      isInit: false,
    }),
    ...validateResourceClaims(pod, path),
    ...validateHostPorts(containers, `${path}.containers`),
    ...validatePodResources(pod, path),
    ...validatePodSecurity(pod, path),
    ...validateGates(pod, path),
    ...validateScheduling(pod, path),
    ...validateTolerations(pod.tolerations ?? [], `${path}.tolerations`),
  ];
}

export function validateNoEphemeral(spec: JsonObject, path: string): Causes {
  const { ephemeralContainers = [] } = spec as unknown as Pod["spec"];
  if (ephemeralContainers.length === 0) return [];
  return [forbidden(`${path}.ephemeralContainers`, "cannot be set on create")];
}

function validateLife(pod: Pod["spec"], path: string): Causes {
  return [
    ...requiredOneOf(`${path}.restartPolicy`, pod.restartPolicy, RESTART),
    ...atLeast(`${path}.terminationGracePeriodSeconds`, pod.terminationGracePeriodSeconds, 0),
    ...between(`${path}.activeDeadlineSeconds`, pod.activeDeadlineSeconds, DEADLINE),
    ...(pod.os === undefined ? [] : requiredOneOf(`${path}.os.name`, pod.os.name, SYSTEMS)),
  ];
}

function validateNames(pod: Pod["spec"], path: string): Causes {
  return [
    ...named(`${path}.hostname`, pod.hostname, labelNameProblem),
    ...named(`${path}.subdomain`, pod.subdomain, labelNameProblem),
    ...(pod.hostAliases ?? []).flatMap(({ ip }, at) =>
      ipAddress(`${path}.hostAliases[${at}].ip`, ip),
    ),
  ];
}

function validateDns(pod: Pod["spec"], path: string): Causes {
  const { nameservers = [], searches = [] } = pod.dnsConfig ?? {};
  const here = `${path}.dnsConfig`;
  const needsServer = pod.dnsPolicy === "None" && nameservers.length === 0;
  return [
    ...requiredOneOf(`${path}.dnsPolicy`, pod.dnsPolicy, DNS),
    ...(needsServer
      ? [
          required(
            `${here}.nameservers`,
            "must provide at least one DNS nameserver when `dnsPolicy` is None",
          ),
        ]
      : []),
    ...(nameservers.length > NAMESERVERS_MAX
      ? [
          invalid(
            `${here}.nameservers`,
            nameservers,
            `must not have more than ${NAMESERVERS_MAX} nameservers`,
          ),
        ]
      : []),
    ...(searches.length > SEARCHES_MAX
      ? [
          invalid(
            `${here}.searches`,
            searches,
            `must not have more than ${SEARCHES_MAX} search paths`,
          ),
        ]
      : []),
    ...nameservers.flatMap((server, at) => ipAddress(`${here}.nameservers[${at}]`, server)),
  ];
}
