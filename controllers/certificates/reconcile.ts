import { Controller } from "#client";
import { KUBELET_SERVING_SIGNER } from "#lib/api/signers";
import { parseCertificateRequest } from "#lib/certificate-request";
import { StatusError } from "#lib/status-error";
import type { CertificateSigningRequest } from "#proto/certificates/v1";
import { certificateSigningRequests, subjectAccessReviews } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";
import { type Authority, issue } from "./issue.ts";
import { planCertificate } from "./plan.ts";

/** Kubernetes' own: a year, and no more than is asked for. */
const LIFE_SECONDS = 365 * 24 * 3600;
const SELF = "Auto approving self kubelet client certificate after SubjectAccessReview.";
const OTHER = "Auto approving kubelet client certificate after SubjectAccessReview.";

/** Approves nodes' own requests for certificates, signs what is approved, and removes what is old. */
export function certificatesController(
  context: ControllerContext,
  authority: Authority,
): StartedController {
  const { client, clock, informers } = context;
  const requests = informers.of(certificateSigningRequests).store;
  const controller = new Controller({
    ...context,
    name: "certificates",
    async reconcile(name) {
      const request = requests.get(name);
      if (request === undefined || request.metadata.deletionTimestamp !== undefined)
        return undefined;
      const plan = await planCertificate(request, parseCertificateRequest, clock.nowMs());
      if (plan.do === "remove") await remove(context, request);
      if (plan.do === "ask") await approve(context, request, plan.rights);
      if (plan.do === "sign") await sign(context, request, authority);
      if (plan.do === "fail") {
        const failed = { type: "Failed", reason: "SignerValidationFailure", message: plan.why };
        await client.updateStatus(certificateSigningRequests, withCondition(request, failed));
      }
      return "dueMs" in plan ? plan.dueMs : undefined;
    },
  });
  informers.of(certificateSigningRequests).onKey((name) => controller.add(name));
  return controller;
}

async function remove({ client }: ControllerContext, request: CertificateSigningRequest) {
  const { name, uid } = request.metadata;
  try {
    await client.delete(certificateSigningRequests, { name }, { preconditions: { uid } });
  } catch (error) {
    if (!StatusError.is(error, "NotFound")) throw error;
  }
}

async function approve(
  { client }: ControllerContext,
  request: CertificateSigningRequest,
  rights: readonly string[],
): Promise<void> {
  for (const subresource of rights) {
    const { extra, groups = [], uid = "", username = "" } = request.spec;
    const resourceAttributes = {
      ...{ group: "certificates.k8s.io", resource: "certificatesigningrequests" },
      ...{ verb: "create", version: "*", subresource },
    };
    const review = await client.create(subjectAccessReviews, {
      spec: { user: username, uid, groups, resourceAttributes, ...(extra ? { extra } : {}) },
    });
    if (!review.status.allowed) continue;
    const message = subresource === "selfnodeclient" ? SELF : OTHER;
    const approved = withCondition(request, { type: "Approved", reason: "AutoApproved", message });
    const { name } = request.metadata;
    const body = approved as unknown as Parameters<typeof client.updateSubresource>[3];
    await client.updateSubresource(certificateSigningRequests, { name }, "approval", body);
    return;
  }
}

async function sign(
  { client, clock, random }: ControllerContext,
  request: CertificateSigningRequest,
  authority: Authority,
): Promise<void> {
  const { spec } = request;
  const { expirationSeconds = LIFE_SECONDS, usages = [] } = spec;
  const certificate = await issue(
    authority,
    {
      request: Buffer.from(spec.request, "base64").toString("utf8"),
      usage: spec.signerName === KUBELET_SERVING_SIGNER ? "server auth" : "client auth",
      hasKeyEncipherment: usages.includes("key encipherment"),
      nowMs: clock.nowMs(),
      seconds: Math.min(expirationSeconds, LIFE_SECONDS),
    },
    random,
  );
  await client.updateStatus(certificateSigningRequests, {
    ...request,
    status: { ...request.status, certificate: Buffer.from(certificate).toString("base64") },
  });
}

function withCondition(
  request: CertificateSigningRequest,
  condition: { readonly type: string; readonly reason: string; readonly message: string },
): CertificateSigningRequest {
  const { conditions = [] } = request.status ?? {};
  const added = [...conditions, { ...condition, status: "True" }];
  return { ...request, status: { ...request.status, conditions: added } };
}
