/** An agent asks for tokens for its own pods alone, each bound to its pod, and for whom the pod says. */
import { StatusError } from "#lib/status-error";
import type { TokenRequestSpec } from "#proto/authentication/v1";
import type { Pod } from "#proto/core/v1";
import { pods } from "#resources";
import type { AdmissionRequest, Reader } from "../chain/steps.ts";

export async function checkNodesToken(
  request: AdmissionRequest,
  node: string,
  reader: Reader,
): Promise<undefined> {
  const { audiences = [], boundObjectRef } = specOf(request);
  const { apiVersion, kind, name = "", uid = "" } = boundObjectRef ?? {};
  if (kind !== "Pod" || apiVersion !== "v1" || name === "")
    throw refused(request, `node "${node}" requested token not bound to a pod`);
  if (uid === "")
    throw refused(request, `node "${node}" requested token with a pod binding without a uid`);
  const pod = (await reader.get(pods, request.namespace, name))?.object as Pod | undefined;
  if (pod === undefined || pod.metadata.uid !== uid)
    throw refused(
      request,
      `node "${node}" requested token bound to a pod that is not there: ${name}, uid ${uid}`,
    );
  if (pod.spec.nodeName !== node)
    throw refused(
      request,
      `node "${node}" requested token bound to a pod scheduled on a different node`,
    );
  const wanted = audiencesOf(pod);
  const asked = audiences.length === 0 ? [API_SERVER] : audiences;
  const strange = asked.find((each) => !wanted.has(each));
  if (strange !== undefined)
    throw refused(request, `audience "${strange}" not found in pod spec volume`);
}

/** How a pod names the API server, of whose own name it need not know. */
const API_SERVER = "";

function specOf({ object }: AdmissionRequest): Partial<TokenRequestSpec> {
  return (object?.["spec"] ?? {}) as unknown as Partial<TokenRequestSpec>;
}

function audiencesOf({ spec }: Pod): ReadonlySet<string> {
  const sources = (spec.volumes ?? []).flatMap(({ projected }) => projected?.sources ?? []);
  return new Set(
    sources.flatMap(({ serviceAccountToken: token }) =>
      token ? [token.audience ?? API_SERVER] : [],
    ),
  );
}

function refused({ name = "" }: AdmissionRequest, why: string): StatusError {
  return new StatusError("Forbidden", `serviceaccounts "${name}" is forbidden: ${why}`, {
    details: { name, kind: "serviceaccounts" },
  });
}
