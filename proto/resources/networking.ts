import type {
  Ingress,
  IngressClass,
  IPAddress,
  NetworkPolicy,
  ServiceCIDR,
} from "#proto/networking/v1";
import type {
  IPAddress as IPAddressV1Beta1,
  ServiceCIDR as ServiceCIDRV1Beta1,
} from "#proto/networking/v1beta1";
import { face, resource, STATUS } from "./resource.ts";

export const ingresses = resource<Ingress>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "Ingress",
  plural: "ingresses",
  shortNames: ["ing"],
  subresources: [STATUS],
});
export const ingressClasses = resource<IngressClass>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "IngressClass",
  plural: "ingressclasses",
  namespaced: false,
});
export const networkPolicies = resource<NetworkPolicy>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "NetworkPolicy",
  plural: "networkpolicies",
  shortNames: ["netpol"],
});
export const ipAddresses = resource<IPAddress>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "IPAddress",
  plural: "ipaddresses",
  shortNames: ["ip"],
  namespaced: false,
});
export const serviceCidrs = resource<ServiceCIDR>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "ServiceCIDR",
  plural: "servicecidrs",
  namespaced: false,
  subresources: [STATUS],
});
export const ipAddressesV1Beta1 = face<IPAddressV1Beta1>(ipAddresses, "v1beta1");
export const serviceCidrsV1Beta1 = face<ServiceCIDRV1Beta1>(serviceCidrs, "v1beta1");
