/** Who may ask for which certificates, approve them and sign them: Kubernetes' three plugins of certificates. */
import { isDeepStrictEqual } from "node:util";
import { CLIENT_SIGNER } from "#lib/api/signers";
import { parseCertificateRequest } from "#lib/certificate-request";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { CertificateSigningRequest } from "#proto/certificates/v1";
import { certificateSigningRequests } from "#resources";
import { invalid } from "../../chain/failures.ts";
import type { AdmissionRequest, Authorizer } from "../../chain/steps.ts";
import type { Validator } from "../plugin.ts";

const { group, plural } = certificateSigningRequests;

export function certificates({ authorizer }: { readonly authorizer: Authorizer }): Validator {
  return (request) => {
    const { operation, resource, subresource } = request;
    if (resource !== certificateSigningRequests) return undefined;
    if (operation === "CREATE") return checkAsked(request);
    if (operation !== "UPDATE") return undefined;
    if (subresource === "approval") return checkSigner(authorizer, request, "approve");
    if (subresource !== "status" || !isDecided(request)) return undefined;
    return checkSigner(authorizer, request, "sign");
  };
}

/** CertificateSubjectRestriction, and that there is a request at all. */
async function checkAsked(request: AdmissionRequest): Promise<void> {
  const { spec } = requestIn(request.object);
  const pem = Buffer.from(spec.request, "base64").toString("utf8");
  const asked = await parseCertificateRequest(pem).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw invalidRequest(request, `must be a PEM block of type CERTIFICATE REQUEST: ${why}`);
  });
  if (!asked.isOwn) throw invalidRequest(request, "must be signed with its own key");
  if (spec.signerName === CLIENT_SIGNER && asked.organizations.includes("system:masters"))
    throw refused(
      request,
      `use of ${CLIENT_SIGNER} signer with system:masters group is not allowed`,
    );
}

function isDecided({ object, oldObject }: AdmissionRequest): boolean {
  const after = requestIn(object).status ?? {};
  const before = requestIn(oldObject).status ?? {};
  return (
    !isDeepStrictEqual(after.certificate ?? "", before.certificate ?? "") ||
    !isDeepStrictEqual(after.conditions ?? [], before.conditions ?? [])
  );
}

/** A right over the signer: over the one, or over all of its domain. */
async function checkSigner(
  authorizer: Authorizer,
  request: AdmissionRequest,
  verb: "approve" | "sign",
): Promise<void> {
  const { signerName } = requestIn(request.oldObject).spec;
  const domain = signerName.slice(0, signerName.indexOf("/"));
  for (const name of [signerName, `${domain}/*`]) {
    const asked = { group, version: "*", resource: "signers", name };
    const verdict = await authorizer.authorize({ user: request.user, verb, ...asked });
    if (verdict.allowed) return;
  }
  throw refused(request, `user not permitted to ${verb} requests with signerName "${signerName}"`);
}

function requestIn(object: JsonObject | undefined): CertificateSigningRequest {
  return object as unknown as CertificateSigningRequest;
}

function invalidRequest({ name = "" }: AdmissionRequest, detail: string): StatusError {
  const message = `Invalid value: ${detail}`;
  const cause = { reason: "FieldValueInvalid", field: "spec.request", message };
  return invalid(certificateSigningRequests, name, [cause]);
}

function refused({ name = "" }: AdmissionRequest, why: string): StatusError {
  return new StatusError("Forbidden", `${plural}.${group} "${name}" is forbidden: ${why}`, {
    details: { name, group, kind: plural },
  });
}
