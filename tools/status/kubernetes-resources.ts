/**
 * What Kubernetes 1.36 serves, as facts: every resource of the generally available versions and of the beta versions that are
 * left. A line is: group version, plural, kind, sub-resources (`-` for none), verbs where they are not all eight.
 */
export const KUBERNETES_RESOURCES = `
v1 bindings Binding - create
v1 componentstatuses ComponentStatus - get,list
v1 configmaps ConfigMap
v1 endpoints Endpoints
v1 events Event
v1 limitranges LimitRange
v1 namespaces Namespace finalize,status create,delete,get,list,patch,update,watch
v1 nodes Node proxy,status
v1 persistentvolumeclaims PersistentVolumeClaim status
v1 persistentvolumes PersistentVolume status
v1 pods Pod attach,binding,ephemeralcontainers,eviction,exec,log,portforward,proxy,resize,status
v1 podtemplates PodTemplate
v1 replicationcontrollers ReplicationController scale,status
v1 resourcequotas ResourceQuota status
v1 secrets Secret
v1 serviceaccounts ServiceAccount token
v1 services Service proxy,status
admissionregistration.k8s.io/v1 mutatingadmissionpolicies MutatingAdmissionPolicy
admissionregistration.k8s.io/v1 mutatingadmissionpolicybindings MutatingAdmissionPolicyBinding
admissionregistration.k8s.io/v1 mutatingwebhookconfigurations MutatingWebhookConfiguration
admissionregistration.k8s.io/v1 validatingadmissionpolicies ValidatingAdmissionPolicy status
admissionregistration.k8s.io/v1 validatingadmissionpolicybindings ValidatingAdmissionPolicyBinding
admissionregistration.k8s.io/v1 validatingwebhookconfigurations ValidatingWebhookConfiguration
admissionregistration.k8s.io/v1beta1 mutatingadmissionpolicies MutatingAdmissionPolicy
admissionregistration.k8s.io/v1beta1 mutatingadmissionpolicybindings MutatingAdmissionPolicyBinding
apiextensions.k8s.io/v1 customresourcedefinitions CustomResourceDefinition status
apiregistration.k8s.io/v1 apiservices APIService status
apps/v1 controllerrevisions ControllerRevision
apps/v1 daemonsets DaemonSet status
apps/v1 deployments Deployment scale,status
apps/v1 replicasets ReplicaSet scale,status
apps/v1 statefulsets StatefulSet scale,status
authentication.k8s.io/v1 selfsubjectreviews SelfSubjectReview - create
authentication.k8s.io/v1 tokenreviews TokenReview - create
authorization.k8s.io/v1 localsubjectaccessreviews LocalSubjectAccessReview - create
authorization.k8s.io/v1 selfsubjectaccessreviews SelfSubjectAccessReview - create
authorization.k8s.io/v1 selfsubjectrulesreviews SelfSubjectRulesReview - create
authorization.k8s.io/v1 subjectaccessreviews SubjectAccessReview - create
autoscaling/v1 horizontalpodautoscalers HorizontalPodAutoscaler status
autoscaling/v2 horizontalpodautoscalers HorizontalPodAutoscaler status
batch/v1 cronjobs CronJob status
batch/v1 jobs Job status
certificates.k8s.io/v1 certificatesigningrequests CertificateSigningRequest approval,status
certificates.k8s.io/v1beta1 clustertrustbundles ClusterTrustBundle
certificates.k8s.io/v1beta1 podcertificaterequests PodCertificateRequest status
coordination.k8s.io/v1 leases Lease
coordination.k8s.io/v1beta1 leasecandidates LeaseCandidate
discovery.k8s.io/v1 endpointslices EndpointSlice
events.k8s.io/v1 events Event
flowcontrol.apiserver.k8s.io/v1 flowschemas FlowSchema status
flowcontrol.apiserver.k8s.io/v1 prioritylevelconfigurations PriorityLevelConfiguration status
networking.k8s.io/v1 ingressclasses IngressClass
networking.k8s.io/v1 ingresses Ingress status
networking.k8s.io/v1 ipaddresses IPAddress
networking.k8s.io/v1 networkpolicies NetworkPolicy
networking.k8s.io/v1 servicecidrs ServiceCIDR status
networking.k8s.io/v1beta1 ipaddresses IPAddress
networking.k8s.io/v1beta1 servicecidrs ServiceCIDR status
node.k8s.io/v1 runtimeclasses RuntimeClass
policy/v1 poddisruptionbudgets PodDisruptionBudget status
rbac.authorization.k8s.io/v1 clusterrolebindings ClusterRoleBinding
rbac.authorization.k8s.io/v1 clusterroles ClusterRole
rbac.authorization.k8s.io/v1 rolebindings RoleBinding
rbac.authorization.k8s.io/v1 roles Role
resource.k8s.io/v1 deviceclasses DeviceClass
resource.k8s.io/v1 resourceclaims ResourceClaim status
resource.k8s.io/v1 resourceclaimtemplates ResourceClaimTemplate
resource.k8s.io/v1 resourceslices ResourceSlice
resource.k8s.io/v1beta1 deviceclasses DeviceClass
resource.k8s.io/v1beta1 resourceclaims ResourceClaim status
resource.k8s.io/v1beta1 resourceclaimtemplates ResourceClaimTemplate
resource.k8s.io/v1beta1 resourceslices ResourceSlice
resource.k8s.io/v1beta2 deviceclasses DeviceClass
resource.k8s.io/v1beta2 devicetaintrules DeviceTaintRule status
resource.k8s.io/v1beta2 resourceclaims ResourceClaim status
resource.k8s.io/v1beta2 resourceclaimtemplates ResourceClaimTemplate
resource.k8s.io/v1beta2 resourceslices ResourceSlice
scheduling.k8s.io/v1 priorityclasses PriorityClass
storage.k8s.io/v1 csidrivers CSIDriver
storage.k8s.io/v1 csinodes CSINode
storage.k8s.io/v1 csistoragecapacities CSIStorageCapacity
storage.k8s.io/v1 storageclasses StorageClass
storage.k8s.io/v1 volumeattachments VolumeAttachment status
storage.k8s.io/v1 volumeattributesclasses VolumeAttributesClass
storage.k8s.io/v1beta1 volumeattributesclasses VolumeAttributesClass
storagemigration.k8s.io/v1beta1 storageversionmigrations StorageVersionMigration status
`;
