/** A request as webhooks and expressions see it: admission.k8s.io/v1 AdmissionRequest, without its uid and objects. Pure. */
import type { JsonObject } from "#lib/json";
import { namespaces, type Resource } from "#resources";
import type { AdmissionRequest } from "../../chain/steps.ts";
import type { VersionedRequest } from "./in-version.ts";

export function requestValue(request: VersionedRequest): JsonObject {
  const { dryRun, name = "", operation, resource, subresource = "", user } = request;
  const { requested = resource } = request;
  const kind = kindOf(request);
  const namespace = resource === namespaces ? name : (request.namespace ?? "");
  return {
    kind,
    resource: plainResource(resource),
    ...(subresource === "" ? {} : { subResource: subresource }),
    requestKind: requested === resource ? kind : kindOfRoute(requested, request.subresource),
    requestResource: plainResource(requested),
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

function plainResource({ group, plural, version }: Resource): JsonObject {
  return { group, version, resource: plural };
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
