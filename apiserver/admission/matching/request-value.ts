/** A request as webhooks and expressions see it: admission.k8s.io/v1 AdmissionRequest, without its uid and objects. Pure. */
import type { JsonObject } from "#lib/json";
import { namespaces, type Resource } from "#resources";
import type { AdmissionRequest } from "../../chain/steps.ts";

export function requestValue(request: AdmissionRequest): JsonObject {
  const { dryRun, name = "", operation, resource, subresource = "", user } = request;
  const kind = kindOf(request);
  const { group, plural, version } = resource;
  const asked = { group, version, resource: plural };
  const namespace = resource === namespaces ? name : (request.namespace ?? "");
  return {
    kind,
    resource: asked,
    ...(subresource === "" ? {} : { subResource: subresource }),
    requestKind: kind,
    requestResource: asked,
    ...(subresource === "" ? {} : { requestSubResource: subresource }),
    name,
    ...(namespace === "" ? {} : { namespace }),
    operation,
    userInfo: {
      username: user.name,
      ...(user.uid === undefined ? {} : { uid: user.uid }),
      groups: user.groups,
      ...(user.extra === undefined ? {} : { extra: user.extra }),
    },
    dryRun,
    options: request.options(),
  };
}

/** Of the object that the route speaks, which for some sub-resources is not the parent's kind. */
function kindOf({ object, oldObject, resource, subresource }: AdmissionRequest): JsonObject {
  const given = object ?? oldObject;
  if (typeof given?.["apiVersion"] === "string" && typeof given["kind"] === "string") {
    const [version = "", group = ""] = given["apiVersion"].split("/").toReversed();
    return { group, version, kind: given["kind"] };
  }
  return kindOfRoute(resource, subresource);
}

function kindOfRoute(resource: Resource, subresource: string | undefined): JsonObject {
  const { group, kind, version } = resource;
  const sub = resource.subresources.find(({ name }) => name === subresource);
  return {
    group: sub?.group ?? group,
    version: sub?.version ?? version,
    kind: sub?.kind ?? kind,
  };
}
