import type { ArgumentCondition, SeccompAction, SeccompProfile, SeccompRule } from "./profile.ts";

const EPERM = 1;

const COMPARISONS: Readonly<Record<string, ArgumentCondition["compare"]>> = {
  SCMP_CMP_NE: "notEqual",
  SCMP_CMP_LT: "less",
  SCMP_CMP_LE: "lessOrEqual",
  SCMP_CMP_EQ: "equal",
  SCMP_CMP_GE: "greaterOrEqual",
  SCMP_CMP_GT: "greater",
  SCMP_CMP_MASKED_EQ: "maskedEqual",
};

interface OciRule {
  readonly names?: readonly string[];
  readonly name?: string;
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly { index: number; op: string; value: number; valueTwo?: number }[] | null;
  readonly includes?: { readonly caps?: readonly string[] };
  readonly excludes?: { readonly caps?: readonly string[] };
}

interface OciProfile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly syscalls?: readonly OciRule[] | null;
}

/** A profile file as Kubernetes' localhost profiles are written: the OCI specification's form, and Docker's of it. */
export function parseOciProfile(json: string): SeccompProfile {
  const profile = JSON.parse(json) as OciProfile;
  return {
    defaultAction: actionOf(profile.defaultAction, profile.defaultErrnoRet),
    rules: (profile.syscalls ?? []).map((rule) => ruleOf(rule)),
  };
}

function ruleOf(rule: OciRule): SeccompRule {
  const when = (rule.args ?? []).map(conditionOf);
  return {
    calls: rule.names ?? (rule.name === undefined ? [] : [rule.name]),
    action: actionOf(rule.action, rule.errnoRet),
    ...(when.length > 0 ? { when } : {}),
    ...(rule.includes?.caps?.length ? { withCapabilities: rule.includes.caps } : {}),
    ...(rule.excludes?.caps?.length ? { withoutCapabilities: rule.excludes.caps } : {}),
  };
}

function conditionOf(args: {
  index: number;
  op: string;
  value: number;
  valueTwo?: number;
}): ArgumentCondition {
  const compare = COMPARISONS[args.op];
  if (compare === undefined) throw new RangeError(`seccomp profile: op "${args.op}"`);
  // With a mask, the first value is the mask and the second what is compared; see seccomp_rule_add(3).
  if (compare !== "maskedEqual") return { index: args.index, compare, value: BigInt(args.value) };
  return {
    index: args.index,
    compare,
    mask: BigInt(args.value),
    value: BigInt(args.valueTwo ?? 0),
  };
}

function actionOf(name: string, errno: number | undefined): SeccompAction {
  switch (name) {
    case "SCMP_ACT_ALLOW":
      return { do: "allow" };
    case "SCMP_ACT_ERRNO":
      return { do: "errno", errno: errno ?? EPERM };
    case "SCMP_ACT_LOG":
      return { do: "log" };
    case "SCMP_ACT_TRAP":
      return { do: "trap" };
    case "SCMP_ACT_KILL":
    case "SCMP_ACT_KILL_PROCESS":
    case "SCMP_ACT_KILL_THREAD":
      return { do: "kill" };
    default:
      throw new RangeError(`seccomp profile: action "${name}"`);
  }
}
