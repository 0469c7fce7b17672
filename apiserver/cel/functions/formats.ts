import { type Environment, Optional } from "@marcbachmann/cel-js";
import {
  labelKeyProblem,
  labelNameProblem,
  labelValueProblem,
  nameProblem,
  subdomainProblem,
} from "#lib/api/names";

type Problem = (text: string) => string | undefined;

const TYPE = "kubernetes.NamedFormat";
const UUID = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const DATE = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/;
const DATE_TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;

const FORMATS: Readonly<Record<string, Problem>> = {
  dns1123Label: labelNameProblem,
  dns1123Subdomain: subdomainProblem,
  dns1035Label: (text) => nameProblem(text, "service"),
  qualifiedName: labelKeyProblem,
  labelValue: labelValueProblem,
  uri: (text) => (URL.canParse(text) ? undefined : "must be a valid URI"),
  uuid: (text) => (UUID.test(text) ? undefined : "does not match the UUID format"),
  byte: (text) => (BASE64.test(text) ? undefined : "invalid base64"),
  date: (text) => (DATE.test(text) ? undefined : "invalid date"),
  datetime: (text) =>
    DATE_TIME.test(text) && !Number.isNaN(Date.parse(text)) ? undefined : "invalid datetime",
};

class NamedFormat {
  readonly name: string;
  readonly problemOf: Problem;

  constructor(name: string, problemOf: Problem) {
    this.name = name;
    this.problemOf = problemOf;
  }
}

class FormatNamespace {}

/** `format.dns1123Label().validate(self.name).hasValue()`: none when it is well, else what is wrong. */
export function addFormats(environment: Environment): void {
  const byName = new Map(
    Object.entries(FORMATS).map(([name, problemOf]) => [name, new NamedFormat(name, problemOf)]),
  );
  environment
    .registerType(TYPE, { ctor: NamedFormat })
    .registerType("FormatNamespace", FormatNamespace)
    .registerConstant("format", "FormatNamespace", new FormatNamespace())
    .registerFunction(
      `FormatNamespace.named(string): optional<${TYPE}>`,
      (_: unknown, name: string) => {
        const format = byName.get(name);
        return format === undefined ? Optional.none() : Optional.of(format);
      },
    )
    .registerFunction(
      `${TYPE}.validate(string): optional<list<string>>`,
      (format: NamedFormat, text: string) => {
        const problem = format.problemOf(text);
        return problem === undefined ? Optional.none() : Optional.of([problem]);
      },
    );
  for (const [name, format] of byName)
    environment.registerFunction(`FormatNamespace.${name}(): ${TYPE}`, () => format);
}
