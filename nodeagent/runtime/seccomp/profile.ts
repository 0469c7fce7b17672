/** A seccomp profile, as far from the kernel's filter language as people want it. */
export interface SeccompProfile {
  readonly defaultAction: SeccompAction;
  /** The first rule that names a call and whose conditions hold decides. */
  readonly rules: readonly SeccompRule[];
}

export type SeccompAction =
  | { readonly do: "allow" }
  | { readonly do: "errno"; readonly errno: number }
  | { readonly do: "kill" }
  | { readonly do: "log" }
  | { readonly do: "trap" };

export interface SeccompRule {
  readonly calls: readonly string[];
  readonly action: SeccompAction;
  /** All must hold. */
  readonly when?: readonly ArgumentCondition[];
  /** Only for containers that have one of these capabilities. */
  readonly withCapabilities?: readonly string[];
  /** Only for containers that have none of these. */
  readonly withoutCapabilities?: readonly string[];
}

/** A comparison of argument `index`, all 64 bits, unsigned. */
export interface ArgumentCondition {
  readonly index: number;
  readonly compare:
    | "equal"
    | "greater"
    | "greaterOrEqual"
    | "less"
    | "lessOrEqual"
    | "maskedEqual"
    | "notEqual";
  readonly value: bigint;
  /** For maskedEqual: (argument & mask) == value. */
  readonly mask?: bigint;
}

export const ALLOW: SeccompAction = { do: "allow" };

/** The rules that hold for a container with these capabilities. */
export function rulesFor(
  profile: SeccompProfile,
  capabilities: ReadonlySet<string>,
): readonly SeccompRule[] {
  return profile.rules.filter(({ withCapabilities, withoutCapabilities }) => {
    const has = withCapabilities?.some((name) => capabilities.has(name)) ?? true;
    return has && !(withoutCapabilities?.some((name) => capabilities.has(name)) ?? false);
  });
}
