import { controllerReference } from "#lib/api/owner";
import type { Draft } from "#proto";
import type { StatefulSet } from "#proto/apps/v1";
import type { Pod, PodTemplateSpec } from "#proto/core/v1";
import { REVISION_HASH } from "../revisions.ts";
import { withClaims } from "./claims.ts";

const POD_NAME = "statefulset.kubernetes.io/pod-name";
const POD_INDEX = "apps.kubernetes.io/pod-index";

/** The pod of an ordinal, as the template of a revision has it. */
export function podDraft(
  set: StatefulSet,
  ordinal: number,
  made: { readonly template: PodTemplateSpec; readonly revision: string },
): Draft<Pod> {
  const { name: setName, namespace = "" } = set.metadata;
  const { metadata, spec } = made.template;
  const name = `${setName}-${ordinal}`;
  const { serviceName = "" } = set.spec;
  const volumes = withClaims(set, ordinal, spec.volumes);
  return {
    metadata: {
      ...metadata,
      name,
      namespace,
      labels: {
        ...metadata.labels,
        [POD_NAME]: name,
        [POD_INDEX]: String(ordinal),
        [REVISION_HASH]: made.revision,
      },
      ownerReferences: [controllerReference(set)],
    },
    spec: {
      ...spec,
      ...(volumes === undefined ? {} : { volumes }),
      hostname: name,
      ...(serviceName === "" ? {} : { subdomain: serviceName }),
    },
  };
}
