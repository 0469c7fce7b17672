import type { Ingress, IngressClass, NetworkPolicy } from "#proto/networking/v1";
import { resource, STATUS } from "./resource.ts";

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
