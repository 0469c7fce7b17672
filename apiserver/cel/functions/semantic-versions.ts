import type { Environment } from "@marcbachmann/cel-js";

const TYPE = "kubernetes.Semver";
const NUMBER = "(0|[1-9]\\d*)";
const SYNTAX = new RegExp(
  `^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-([0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*))?(?:\\+[0-9A-Za-z.-]+)?$`,
);

/** Semantic versions in CEL. https://semver.org/spec/v2.0.0.html */
export function addSemanticVersions(environment: Environment): void {
  environment
    .registerType(TYPE, { ctor: SemanticVersion })
    .registerFunction(`semver(string): ${TYPE}`, (text: string) => {
      const version = parse(text);
      if (version === undefined) throw new Error(`no semantic version: ${text}`);
      return version;
    })
    .registerFunction("isSemver(string): bool", (text: string) => parse(text) !== undefined)
    .registerFunction(`${TYPE}.major(): int`, ({ numbers }: SemanticVersion) => numbers[0])
    .registerFunction(`${TYPE}.minor(): int`, ({ numbers }: SemanticVersion) => numbers[1])
    .registerFunction(`${TYPE}.patch(): int`, ({ numbers }: SemanticVersion) => numbers[2])
    .registerFunction(`${TYPE}.compareTo(${TYPE}): int`, (a: SemanticVersion, b: SemanticVersion) =>
      BigInt(compare(a, b)),
    )
    .registerFunction(
      `${TYPE}.isGreaterThan(${TYPE}): bool`,
      (a: SemanticVersion, b: SemanticVersion) => compare(a, b) > 0,
    )
    .registerFunction(
      `${TYPE}.isLessThan(${TYPE}): bool`,
      (a: SemanticVersion, b: SemanticVersion) => compare(a, b) < 0,
    )
    .registerOperator(
      `${TYPE} == ${TYPE}`,
      (a: SemanticVersion, b: SemanticVersion) => compare(a, b) === 0,
    );
}

class SemanticVersion {
  readonly numbers: readonly [bigint, bigint, bigint];
  readonly preRelease: readonly string[];

  constructor(numbers: readonly [bigint, bigint, bigint], preRelease: readonly string[]) {
    this.numbers = numbers;
    this.preRelease = preRelease;
  }
}

function parse(text: string): SemanticVersion | undefined {
  const found = SYNTAX.exec(text);
  if (found === null) return undefined;
  const [, major = "0", minor = "0", patch = "0", preRelease] = found;
  const numbers = [BigInt(major), BigInt(minor), BigInt(patch)] as const;
  return new SemanticVersion(numbers, preRelease === undefined ? [] : preRelease.split("."));
}

function compare(a: SemanticVersion, b: SemanticVersion): number {
  for (const [at, number] of a.numbers.entries()) {
    const other = b.numbers[at] ?? 0n;
    if (number !== other) return number < other ? -1 : 1;
  }
  // A version before its release is the lesser one.
  if (a.preRelease.length === 0 || b.preRelease.length === 0)
    return Math.sign(b.preRelease.length - a.preRelease.length);
  for (const [at, part] of a.preRelease.entries()) {
    const other = b.preRelease[at];
    const order = other === undefined ? 1 : comparePart(part, other);
    if (order !== 0) return order;
  }
  return a.preRelease.length < b.preRelease.length ? -1 : 0;
}

/** Numbers come before words. */
function comparePart(a: string, b: string): number {
  const [isNumberA, isNumberB] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (isNumberA && isNumberB) return Math.sign(Number(BigInt(a) - BigInt(b)));
  if (isNumberA !== isNumberB) return isNumberA ? -1 : 1;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
