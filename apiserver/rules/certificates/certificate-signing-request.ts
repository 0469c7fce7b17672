/** Requests for certificates: what is asked never changes, and each decision has its own route. */

import { LEGACY_SIGNER } from "#lib/api/signers";
import type { JsonObject } from "#lib/json";
import type {
  CertificateSigningRequestSpec,
  CertificateSigningRequestStatus,
  CertificateSigningRequestCondition as Condition,
} from "#proto/certificates/v1";
import { type Causes, duplicate, forbidden, invalid, required } from "../causes.ts";
import { repeats } from "../checks.ts";
import type { KindRules, PartRules } from "../kind-rules.ts";

const SECONDS_MIN = 600;
const SIGNER =
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+\/[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
const SIGNER_LENGTH_MAX = 571;
const PEM = /^-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*$/;
/** Only the route for approvals sets these. */
const DECISIONS = ["Approved", "Denied"];

const approval: PartRules = {
  take: (object, old) => ({
    ...old,
    status: {
      ...(old["status"] as JsonObject),
      conditions: conditionsIn(object),
    } as unknown as JsonObject,
  }),
  validate: (object, old) => validateConditions(object, old),
};

const status: PartRules = {
  take: (object, old) => {
    const isDecision = ({ type }: Condition): boolean => DECISIONS.includes(type);
    const conditions = [
      ...conditionsIn(old).filter(isDecision),
      ...conditionsIn(object).filter((each) => !isDecision(each)),
    ];
    const given = (object["status"] ?? {}) as JsonObject;
    return { ...old, status: { ...given, conditions } as unknown as JsonObject };
  },
  validate: (object, old) => [
    ...validateConditions(object, old),
    ...validateCertificate(object, old),
  ],
};

export const certificateSigningRequestRules: KindRules = {
  nameRule: "subdomain",
  firstStatus: () => ({}),
  keep: (object, old) => ({ ...object, spec: old["spec"] ?? {} }),
  validateCreate: (object) =>
    validateSpec(object["spec"] as unknown as CertificateSigningRequestSpec),
  parts: { approval, status },
};

function validateSpec(spec: CertificateSigningRequestSpec): Causes {
  const { expirationSeconds, request, signerName, usages = [] } = spec;
  const isTwice = repeats(usages);
  const twice = usages.find((_, index) => isTwice[index]);
  return [
    ...(request ? [] : [required("spec.request")]),
    ...(usages.length === 0 ? [required("spec.usages")] : []),
    ...(twice === undefined ? [] : [duplicate(`spec.usages[${usages.lastIndexOf(twice)}]`, twice)]),
    ...validateSigner(signerName),
    ...(expirationSeconds === undefined || expirationSeconds >= SECONDS_MIN
      ? []
      : [
          invalid(
            "spec.expirationSeconds",
            expirationSeconds,
            "may not specify a duration less than 600 seconds (10 minutes)",
          ),
        ]),
  ];
}

export function isSignerName(name: string): boolean {
  return SIGNER.test(name) && name.length <= SIGNER_LENGTH_MAX;
}

function validateSigner(name: string): Causes {
  const field = "spec.signerName";
  if (name === "") return [required(field)];
  if (name === LEGACY_SIGNER)
    return [invalid(field, name, "the legacy signerName is not allowed via this API version")];
  if (isSignerName(name)) return [];
  return [
    invalid(
      field,
      name,
      "must be a fully qualified domain and path of the form 'example.com/signer-name'",
    ),
  ];
}

function validateConditions(object: JsonObject, old: JsonObject): Causes {
  const conditions = conditionsIn(object);
  const types = conditions.map(({ type }) => type);
  const isTwice = repeats(types);
  const causes = conditions.flatMap(
    (each, index): Causes => [
      ...validateCondition(each, index),
      ...(isTwice[index] ? [duplicate(`status.conditions[${index}].type`, each.type)] : []),
    ],
  );
  const field = "status.conditions";
  if (DECISIONS.every((type) => types.includes(type)))
    return [
      ...causes,
      invalid(field, types.join(", "), "Approved and Denied conditions are mutually exclusive"),
    ];
  // What was decided stays decided.
  const lost = conditionsIn(old).find(
    ({ type }) => [...DECISIONS, "Failed"].includes(type) && !types.includes(type),
  );
  if (lost === undefined) return causes;
  return [...causes, forbidden(field, `updates may not remove a condition of type "${lost.type}"`)];
}

function validateCondition({ status: value, type }: Condition, index: number): Causes {
  const at = `status.conditions[${index}]`;
  const isDecision = [...DECISIONS, "Failed"].includes(type);
  return [
    ...(type ? [] : [required(`${at}.type`)]),
    ...(!value ? [required(`${at}.status`)] : []),
    ...(isDecision && value && value !== "True"
      ? [invalid(`${at}.status`, value, "must be True")]
      : []),
  ];
}

function validateCertificate(object: JsonObject, old: JsonObject): Causes {
  const field = "status.certificate";
  const { certificate = "" } = (object["status"] ??
    {}) as unknown as CertificateSigningRequestStatus;
  const { certificate: before = "" } = (old["status"] ??
    {}) as unknown as CertificateSigningRequestStatus;
  if (certificate === before) return [];
  if (before !== "")
    return [forbidden(field, "updates may not change the certificate that was issued")];
  const text = Buffer.from(certificate, "base64").toString("utf8");
  const blocks = text.split(/(?=-----BEGIN )/).filter((each) => each.trim() !== "");
  return blocks.length > 0 && blocks.every((each) => PEM.test(each))
    ? []
    : [
        invalid(
          field,
          "<certificate data>",
          "must contain at least one CERTIFICATE PEM block, and nothing else",
        ),
      ];
}

function conditionsIn(object: JsonObject): readonly Condition[] {
  const { conditions = [] } = (object["status"] ??
    {}) as unknown as CertificateSigningRequestStatus;
  return conditions;
}
