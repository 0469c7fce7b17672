/** Who may ask for which certificates, approve them and sign them: Kubernetes' three plugins of certificates. */
import { isDeepStrictEqual } from "node:util";
import { CLIENT_SIGNER } from "#lib/api/signers";
import { parseCertificateRequest } from "#lib/certificate-request";
import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { CertificateSigningRequest } from "#proto/certificates/v1";
import type { ClusterTrustBundle } from "#proto/certificates/v1beta1";
import { certificateSigningRequests, clusterTrustBundles } from "#resources";
import { invalid } from "../../chain/failures.ts";
import type { AdmissionRequest, Authorizer } from "../../chain/steps.ts";
import type { Plugins } from "../choice.ts";
import type { Validator } from "../plugin.ts";

const { group, plural } = certificateSigningRequests;

export function certificates(
  { authorizer }: { readonly authorizer: Authorizer },
  plugins: Plugins,
): Validator {
  return (request) => {
    const { operation, resource } = request;
    if (resource !== certificateSigningRequests) return undefined;
    if (operation === "CREATE")
      return checkAsked(request, plugins.has("CertificateSubjectRestriction"));
    const decision = operation === "UPDATE" ? decisionOf(request) : undefined;
    if (decision === undefined || !plugins.has(decision.plugin)) return undefined;
    return checkSigner(authorizer, request, decision.verb);
  };
}

/** What an update decides, by the route that it takes, and which plugin looks at who does. */
function decisionOf(request: AdmissionRequest) {
  if (request.subresource === "approval")
    return { plugin: "CertificateApproval", verb: "approve" } as const;
  return request.subresource === "status" && isDecided(request)
    ? ({ plugin: "CertificateSigning", verb: "sign" } as const)
    : undefined;
}

/** CertificateSubjectRestriction, and that there is a request at all. */
async function checkAsked(request: AdmissionRequest, isRestricted: boolean): Promise<void> {
  const { spec } = requestIn(request.object);
  const pem = Buffer.from(spec.request, "base64").toString("utf8");
  const asked = await parseCertificateRequest(pem).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw invalidRequest(request, `must be a PEM block of type CERTIFICATE REQUEST: ${why}`);
  });
  if (!asked.isOwn) throw invalidRequest(request, "must be signed with its own key");
  if (
    isRestricted &&
    spec.signerName === CLIENT_SIGNER &&
    asked.organizations.includes("system:masters")
  )
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

async function checkSigner(
  authorizer: Authorizer,
  request: AdmissionRequest,
  verb: "approve" | "sign",
): Promise<void> {
  const { signerName } = requestIn(request.oldObject).spec;
  if (await maySpeakFor(authorizer, request, verb, signerName)) return;
  throw refused(request, `user not permitted to ${verb} requests with signerName "${signerName}"`);
}

/** A right over the signer: over the one, or over all of its domain. */
async function maySpeakFor(
  authorizer: Authorizer,
  { user }: AdmissionRequest,
  verb: "approve" | "attest" | "sign",
  signerName: string,
): Promise<boolean> {
  const domain = signerName.slice(0, signerName.indexOf("/"));
  for (const name of [signerName, `${domain}/*`]) {
    const asked = { group, version: "*", resource: "signers", name };
    if ((await authorizer.authorize({ user, verb, ...asked })).allowed) return true;
  }
  return false;
}

/** ClusterTrustBundleAttest: who says whom a signer's relying parties trust has a right over the signer. */
export function trustBundles({ authorizer }: { readonly authorizer: Authorizer }): Validator {
  return (request) => {
    const { object, oldObject, operation, resource } = request;
    if (resource !== clusterTrustBundles || object === undefined) return undefined;
    if (operation === "UPDATE" && isDeepStrictEqual(object, oldObject)) return undefined;
    const { signerName = "" } = (object as unknown as ClusterTrustBundle).spec;
    return signerName === "" ? undefined : checkAttested(authorizer, request, signerName);
  };
}

async function checkAttested(
  authorizer: Authorizer,
  request: AdmissionRequest,
  signerName: string,
): Promise<void> {
  if (await maySpeakFor(authorizer, request, "attest", signerName)) return;
  const { name = "", resource } = request;
  const why = `user not permitted to attest for signerName "${signerName}"`;
  throw new StatusError(
    "Forbidden",
    `${resource.plural}.${resource.group} "${name}" is forbidden: ${why}`,
    { details: { name, group: resource.group, kind: resource.plural } },
  );
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
