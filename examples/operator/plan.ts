/** What a site wants and what there is, compared. Pure: no client, no clock. */
import type { V1ConfigMap, V1Deployment, V1Service } from "@kubernetes/client-node";

/** A ConfigMap with this label is a site. */
export const SITE_LABEL = "example.com/site";
/** Where the operator writes what it sees. */
export const READY_ANNOTATION = "example.com/ready";

const PORT = 8080;

export interface Observed {
  readonly site: V1ConfigMap;
  readonly deployment: V1Deployment | undefined;
  readonly service: V1Service | undefined;
}

export interface Plan {
  /** To be created; or, with a resourceVersion, written over what is there. */
  readonly deployment?: V1Deployment;
  readonly service?: V1Service;
  /** What the site's annotation should say, where it says something else: `2/3`, or what is wrong with the site. */
  readonly ready?: string;
}

/** Level-triggered: the whole of what should be, less what is. */
export function planSite({ deployment, service, site }: Observed): Plan {
  const { image = "", replicas = "1" } = site.data ?? {};
  const count = Number(replicas);
  if (image === "") return report(site, "data.image is missing: name an image");
  if (!Number.isInteger(count) || count < 0) {
    return report(site, `data.replicas is "${replicas}": must be a whole number, 0 or more`);
  }
  const [container] = deployment?.spec?.template.spec?.containers ?? [];
  const isCurrent = deployment?.spec?.replicas === count && container?.image === image;
  return {
    ...(isCurrent ? {} : { deployment: deploymentOf(site, image, count, deployment) }),
    ...(service === undefined ? { service: serviceOf(site) } : {}),
    ...report(site, `${deployment?.status?.readyReplicas ?? 0}/${count}`),
  };
}

function report(site: V1ConfigMap, ready: string): Plan {
  return site.metadata?.annotations?.[READY_ANNOTATION] === ready ? {} : { ready };
}

function deploymentOf(
  site: V1ConfigMap,
  image: string,
  replicas: number,
  before: V1Deployment | undefined,
): V1Deployment {
  const labels = labelsOf(site);
  return {
    // With the version that was read: somebody else's newer write is not lost, but a conflict.
    metadata: before?.metadata ?? ownedBy(site),
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: "web", image, ports: [{ containerPort: PORT }] }] },
      },
    },
  };
}

function serviceOf(site: V1ConfigMap): V1Service {
  return {
    metadata: ownedBy(site),
    spec: { selector: labelsOf(site), ports: [{ port: 80, targetPort: PORT }] },
  };
}

function labelsOf(site: V1ConfigMap): Record<string, string> {
  return { "example.com/site-name": site.metadata?.name ?? "" };
}

/** Of the site's name and namespace; goes with the site, by garbage collection. */
function ownedBy({ metadata: { name = "", namespace = "", uid = "" } = {} }: V1ConfigMap) {
  const owner = { apiVersion: "v1", kind: "ConfigMap", name, uid, controller: true };
  return { name, namespace, ownerReferences: [owner] };
}
