/** What strings of the formats that schemas may name look like. Formats that are not here are ignored, as in Kubernetes. */
import { isIP } from "node:net";
import { labelNameProblem } from "#lib/api/names";

type Format = (text: string) => boolean;

const matching =
  (expression: RegExp): Format =>
  (text) =>
    expression.test(text);

const DATE = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/;
const DATE_TIME =
  /^\d{4}-\d\d-\d\d[Tt ](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:[Zz]|[+-]\d\d:?\d\d)$/;
const DURATION =
  /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h|d|w)(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))*$/;
const HEX = "[0-9a-fA-F]";
const uuid = (version: string, variant: string): Format =>
  matching(
    new RegExp(`^${HEX}{8}-?${HEX}{4}-?${version}${HEX}{3}-?${variant}${HEX}{3}-?${HEX}{12}$`),
  );
const HOST =
  /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/;

const FORMATS: ReadonlyMap<string, Format> = new Map<string, Format>([
  ["bsonobjectid", matching(/^[0-9a-fA-F]{24}$/)],
  ["byte", matching(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/)],
  ["cidr", isCidr],
  ["creditcard", matching(/^(?:\d[ -]?){12,18}\d$/)],
  ["date", (text) => DATE.test(text) && !Number.isNaN(Date.parse(text))],
  ["date-time", (text) => DATE_TIME.test(text)],
  ["datetime", (text) => DATE_TIME.test(text)],
  ["duration", matching(DURATION)],
  ["email", matching(/^[^\s@<>]+@[^\s@<>]+$/)],
  ["hexcolor", matching(/^#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/)],
  ["hostname", (text) => text.length <= 255 && HOST.test(text)],
  ["ipv4", (text) => isIP(text) === 4],
  ["ipv6", (text) => isIP(text) === 6],
  ["isbn", (text) => isIsbn10(text) || isIsbn13(text)],
  ["isbn10", isIsbn10],
  ["isbn13", isIsbn13],
  [
    "k8s-long-name",
    (text) =>
      text.length <= 253 && text.split(".").every((each) => labelNameProblem(each) === undefined),
  ],
  ["k8s-short-name", (text) => labelNameProblem(text) === undefined],
  [
    "mac",
    matching(
      /^(?:[0-9a-fA-F]{2}([:-])(?:[0-9a-fA-F]{2}\1){4}[0-9a-fA-F]{2}|(?:[0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4})$/,
    ),
  ],
  ["password", () => true],
  ["rgbcolor", matching(/^rgb\(\s*\d{1,3}\s*,\s*\d{1,3}\s*,\s*\d{1,3}\s*\)$/)],
  ["ssn", matching(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/)],
  ["uri", (text) => text.startsWith("/") || URL.canParse(text)],
  ["uuid", matching(new RegExp(`^${HEX}{8}-?${HEX}{4}-?${HEX}{4}-?${HEX}{4}-?${HEX}{12}$`))],
  ["uuid3", uuid("3", HEX)],
  ["uuid4", uuid("4", "[89abAB]")],
  ["uuid5", uuid("5", "[89abAB]")],
]);

/** Undefined for a format that says nothing about strings. */
export function formatOf(name: string | undefined): Format | undefined {
  return name === undefined ? undefined : FORMATS.get(name.replace(/^bson-/, "bson"));
}

function isCidr(text: string): boolean {
  const [address = "", length = "", ...rest] = text.split("/");
  const family = isIP(address);
  if (family === 0 || rest.length > 0 || !/^\d{1,3}$/.test(length)) return false;
  return Number(length) <= (family === 4 ? 32 : 128);
}

function isIsbn10(text: string): boolean {
  const digits = text.replaceAll(/[\s-]/g, "");
  if (!/^\d{9}[\dX]$/.test(digits)) return false;
  const sum = [...digits].reduce(
    (all, digit, at) => all + (10 - at) * (digit === "X" ? 10 : Number(digit)),
    0,
  );
  return sum % 11 === 0;
}

function isIsbn13(text: string): boolean {
  const digits = text.replaceAll(/[\s-]/g, "");
  if (!/^\d{13}$/.test(digits)) return false;
  return (
    [...digits].reduce((all, digit, at) => all + Number(digit) * (at % 2 === 0 ? 1 : 3), 0) % 10 ===
    0
  );
}
