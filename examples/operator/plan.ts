/** What a site wants and what there is, compared. Pure: no client, no clock. */
import type { KubernetesObject, V1Deployment, V1Service } from "@kubernetes/client-node";

/** As crd.yaml has it; defaults are filled in by the server. */
export interface Site extends KubernetesObject {
  readonly spec: { readonly image: string; readonly replicas: number };
  readonly status?: { readonly ready?: string };
}

/** Where sites are served. */
export const SITES = { group: "example.com", version: "v1", plural: "sites" } as const;

const PORT = 8080;

export interface Observed {
  readonly site: Site;
  readonly deployment: V1Deployment | undefined;
  readonly service: V1Service | undefined;
}

export interface Plan {
  /** To be created; or, with a resourceVersion, written over what is there. */
  readonly deployment?: V1Deployment;
  readonly service?: V1Service;
  /** What the site's status should say where it says something else, as `2/3`. */
  readonly ready?: string;
}

/** Level-triggered: the whole of what should be, less what is. */
export function planSite({ deployment, service, site }: Observed): Plan {
  const { image, replicas } = site.spec;
  const [container] = deployment?.spec?.template.spec?.containers ?? [];
  const isCurrent = deployment?.spec?.replicas === replicas && container?.image === image;
  const ready = `${deployment?.status?.readyReplicas ?? 0}/${replicas}`;
  return {
    ...(isCurrent ? {} : { deployment: deploymentOf(site, deployment) }),
    ...(service === undefined ? { service: serviceOf(site) } : {}),
    ...(site.status?.ready === ready ? {} : { ready }),
  };
}

function deploymentOf(site: Site, before: V1Deployment | undefined): V1Deployment {
  const { image, replicas } = site.spec;
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

function serviceOf(site: Site): V1Service {
  return {
    metadata: ownedBy(site),
    spec: { selector: labelsOf(site), ports: [{ port: 80, targetPort: PORT }] },
  };
}

function labelsOf(site: Site): Record<string, string> {
  return { "example.com/site": site.metadata?.name ?? "" };
}

/** Of the site's name and namespace; goes with the site, by garbage collection. */
function ownedBy({ metadata: { name = "", namespace = "", uid = "" } = {} }: Site) {
  const apiVersion = `${SITES.group}/${SITES.version}`;
  const owner = { apiVersion, kind: "Site", name, uid, controller: true };
  return { name, namespace, ownerReferences: [owner] };
}
