/** What a namespace's labels ask of its pods. Pure. */
import type { Causes } from "../../rules/causes.ts";
import { invalid } from "../../rules/causes.ts";

export type Level = "baseline" | "privileged" | "restricted";
type Version = "latest" | number;

export interface LevelVersion {
  readonly level: Level;
  /** A minor version of Kubernetes: 25 is v1.25. */
  readonly version: Version;
}

/** Pods that break the first are refused; the second is for the audit log, the third tells who asks. */
export interface Policy {
  readonly enforce: LevelVersion;
  readonly audit: LevelVersion;
  readonly warn: LevelVersion;
}

type Labels = Readonly<Record<string, string>>;
type Mode = keyof Policy;

/** Of labels, and of what the audit log says. */
export const PREFIX = "pod-security.kubernetes.io/";
const LEVELS: readonly Level[] = ["privileged", "baseline", "restricted"];
const MODES: readonly Mode[] = ["enforce", "audit", "warn"];

export const UNRESTRICTED: LevelVersion = { level: "privileged", version: "latest" };

/** `restricted:latest`, `baseline:v1.25`. */
export function levelText({ level, version }: LevelVersion): string {
  return `${level}:${version === "latest" ? version : `v1.${version}`}`;
}

/** Labels that cannot be read count as the strictest for what is refused, and as nothing for what is only told. */
export function policyOf(labels: Labels): Policy {
  const enforce = modeOf(labels, "enforce", "restricted");
  const audit = modeOf(labels, "audit", "privileged");
  const told = modeOf(labels, "warn", "privileged");
  const enforceLevel = labels[`${PREFIX}enforce`];
  // Who refuses and says nothing of warnings is told early, of templates too.
  const isImplied =
    labels[`${PREFIX}warn`] === undefined &&
    LEVELS.includes(enforceLevel as Level) &&
    strictness(enforce) > strictness(told);
  const warn = isImplied
    ? {
        level: enforce.level,
        version: labels[`${PREFIX}warn-version`] === undefined ? enforce.version : told.version,
      }
    : told;
  return { enforce, audit, warn };
}

/** The labels that say no level or version. */
export function labelCauses(labels: Labels): Causes {
  return MODES.flatMap((mode) => {
    const level = labels[`${PREFIX}${mode}`];
    const version = labels[`${PREFIX}${mode}-version`];
    const field = (name: string) => `metadata.labels[${PREFIX}${name}]`;
    return [
      ...(level === undefined || LEVELS.includes(level as Level)
        ? []
        : [invalid(field(mode), level, `must be one of ${LEVELS.join(", ")}`)]),
      ...(version === undefined || parseVersion(version) !== undefined
        ? []
        : [invalid(field(`${mode}-version`), version, 'must be "latest" or "v1.x"')]),
    ];
  });
}

export function strictness({ level }: LevelVersion): number {
  return LEVELS.indexOf(level);
}

export function isSame(a: LevelVersion, b: LevelVersion): boolean {
  return a.level === b.level && a.version === b.version;
}

function modeOf(labels: Labels, mode: Mode, otherwise: Level): LevelVersion {
  const level = labels[`${PREFIX}${mode}`] ?? UNRESTRICTED.level;
  const version = labels[`${PREFIX}${mode}-version`];
  return {
    level: LEVELS.includes(level as Level) ? (level as Level) : otherwise,
    version: parseVersion(version ?? "latest") ?? "latest",
  };
}

function parseVersion(text: string): Version | undefined {
  if (text === "latest") return text;
  const minor = /^v1\.(0|[1-9]\d*)$/.exec(text)?.[1];
  return minor === undefined ? undefined : Number(minor);
}
