/** Where discovery lists a group version. Groups and versions with the greater number come first. */
export interface Priority {
  readonly group: number;
  readonly version: number;
}

/** In the order in which Kubernetes registers them: group version, the group's priority, the version's. */
const BUILT_IN = `
v1 18000 1
apps/v1 17800 15
events.k8s.io/v1 17750 15
authentication.k8s.io/v1 17700 15
authorization.k8s.io/v1 17600 15
autoscaling/v2 17500 30
autoscaling/v1 17500 15
batch/v1 17400 15
certificates.k8s.io/v1 17300 15
certificates.k8s.io/v1beta1 17300 9
networking.k8s.io/v1 17200 15
networking.k8s.io/v1beta1 17200 9
policy/v1 17100 15
rbac.authorization.k8s.io/v1 17000 15
storage.k8s.io/v1 16800 15
storage.k8s.io/v1beta1 16800 9
apiextensions.k8s.io/v1 16700 15
admissionregistration.k8s.io/v1 16700 15
admissionregistration.k8s.io/v1beta1 16700 12
scheduling.k8s.io/v1 16600 15
coordination.k8s.io/v1 16500 15
coordination.k8s.io/v1beta1 16500 13
node.k8s.io/v1 16300 15
discovery.k8s.io/v1 16200 15
flowcontrol.apiserver.k8s.io/v1 16100 21
resource.k8s.io/v1 15900 15
resource.k8s.io/v1beta2 15900 12
resource.k8s.io/v1beta1 15900 9
storagemigration.k8s.io/v1beta1 15800 9
`;

/** By group version: those that are always served here, and can be given to nobody else. */
export const BUILT_IN_PRIORITIES: ReadonlyMap<string, Priority> = new Map(
  BUILT_IN.trim()
    .split("\n")
    .map((line) => {
      const [groupVersion = "", group, version] = line.split(" ");
      return [groupVersion, { group: Number(group), version: Number(version) }];
    }),
);

/** Of definitions: below all that is built in, among themselves in the order of their versions' names. */
export const CUSTOM_PRIORITY: Priority = { group: 1000, version: 100 };

/**
 * Served here, and not registered: `metrics.k8s.io`, which an extension may bring instead, with a registration of its
 * own. These are the numbers that metrics-server registers.
 */
export const UNREGISTERED_PRIORITY: Priority = { group: 100, version: 100 };
