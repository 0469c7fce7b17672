import { labelKeyProblem } from "#lib/api/names";
import type { Container, Pod } from "#proto/core/v1";
import { type Causes, duplicate, invalid, required } from "../causes.ts";
import { between, oneOf, pathBelow, repeats, requiredOneOf } from "../checks.ts";

const ID = { min: 0, max: 2_147_483_647 };
const PROFILES = ["Localhost", "RuntimeDefault", "Unconfined"];
const FS_GROUP_POLICIES = ["Always", "OnRootMismatch"];
const GROUPS_POLICIES = ["Merge", "Strict"];
const PROC_MOUNTS = ["Default", "Unmasked"];
const SYSCTL = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;
const SYSCTL_LENGTH_MAX = 253;

interface Profile {
  readonly type?: string;
  readonly localhostProfile?: string;
}

/** Who a pod's processes are, and what they may do. */
export function validatePodSecurity(pod: Pod["spec"], path: string): Causes {
  const sharesTwice =
    pod.hostPID === true && pod.shareProcessNamespace === true
      ? [
          invalid(
            `${path}.shareProcessNamespace`,
            true,
            "ShareProcessNamespace and HostPID cannot both be enabled",
          ),
        ]
      : [];
  const { securityContext: context } = pod;
  if (context === undefined) return sharesTwice;
  const here = `${path}.securityContext`;
  return [
    ...sharesTwice,
    ...ids(context, here),
    ...between(`${here}.fsGroup`, context.fsGroup, ID),
    ...(context.supplementalGroups ?? []).flatMap((group, at) =>
      between(`${here}.supplementalGroups[${at}]`, group, ID),
    ),
    ...oneOf(`${here}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, GROUPS_POLICIES),
    ...oneOf(`${here}.fsGroupChangePolicy`, context.fsGroupChangePolicy, FS_GROUP_POLICIES),
    ...sysctls(context.sysctls ?? [], `${here}.sysctls`),
    ...profile(context.seccompProfile, `${here}.seccompProfile`),
    ...profile(context.appArmorProfile, `${here}.appArmorProfile`),
  ];
}

export function validateContainerSecurity(container: Container, path: string): Causes {
  const { securityContext: context } = container;
  if (context === undefined) return [];
  const here = `${path}.securityContext`;
  return [
    ...ids(context, here),
    ...oneOf(`${here}.procMount`, context.procMount, PROC_MOUNTS),
    ...escalation(context, here),
    ...profile(context.seccompProfile, `${here}.seccompProfile`),
    ...profile(context.appArmorProfile, `${here}.appArmorProfile`),
  ];
}

function ids(
  context: { readonly runAsUser?: number; readonly runAsGroup?: number },
  path: string,
): Causes {
  return [
    ...between(`${path}.runAsUser`, context.runAsUser, ID),
    ...between(`${path}.runAsGroup`, context.runAsGroup, ID),
  ];
}

/** `no_new_privs` against what would come with it. */
function escalation(context: NonNullable<Container["securityContext"]>, path: string): Causes {
  if (context.allowPrivilegeEscalation !== false) return [];
  const cannot = (what: string): Causes => [
    invalid(path, "", `cannot set \`allowPrivilegeEscalation\` to false and ${what}`),
  ];
  if (context.privileged === true) return cannot("`privileged` to true");
  return (context.capabilities?.add ?? []).includes("CAP_SYS_ADMIN")
    ? cannot("`capabilities.Add` CAP_SYS_ADMIN")
    : [];
}

function profile(given: Profile | undefined, path: string): Causes {
  if (given === undefined) return [];
  const { localhostProfile, type } = given;
  const file = `${path}.localhostProfile`;
  if (type === "Localhost") {
    return (localhostProfile ?? "") === ""
      ? [required(file, "must be set when profile type is Localhost")]
      : pathBelow(file, localhostProfile);
  }
  return [
    ...requiredOneOf(`${path}.type`, type, PROFILES),
    ...(localhostProfile === undefined
      ? []
      : [invalid(file, localhostProfile, "can only be set when profile type is Localhost")]),
  ];
}

function sysctls(list: readonly { readonly name: string }[], path: string): Causes {
  const isTwice = repeats(list.map(({ name = "" }) => name.replaceAll("/", ".")));
  return list.flatMap(({ name = "" }, at) => {
    const here = `${path}[${at}].name`;
    if (name === "") return [required(here)];
    if (name.length > SYSCTL_LENGTH_MAX || !SYSCTL.test(name)) {
      return [invalid(here, name, "must be a sysctl's name, as kernel.shm_rmid_forced")];
    }
    return isTwice[at] ? [duplicate(here, name)] : [];
  });
}

/** Names of conditions and gates. */
export function validateGates(pod: Pod["spec"], path: string): Causes {
  const readiness = (pod.readinessGates ?? []).flatMap(({ conditionType = "" }, at) => {
    const problem = labelKeyProblem(conditionType);
    const here = `${path}.readinessGates[${at}].conditionType`;
    return problem === undefined ? [] : [invalid(here, conditionType, problem)];
  });
  const gates = pod.schedulingGates ?? [];
  const isTwice = repeats(gates.map(({ name }) => name));
  const scheduling = gates.flatMap(({ name = "" }, at) => {
    const here = `${path}.schedulingGates[${at}]`;
    const problem = labelKeyProblem(name);
    if (problem !== undefined) return [invalid(`${here}.name`, name, problem)];
    return isTwice[at] ? [duplicate(here, name)] : [];
  });
  return [...readiness, ...scheduling];
}
