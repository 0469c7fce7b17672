import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  MutatingWebhookConfiguration,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
} from "#proto/admissionregistration/v1";
import type {
  MutatingAdmissionPolicyBinding as MutatingAdmissionPolicyBindingV1Beta1,
  MutatingAdmissionPolicy as MutatingAdmissionPolicyV1Beta1,
} from "#proto/admissionregistration/v1beta1";
import { face, resource, STATUS } from "./resource.ts";

const KIND = {
  group: "admissionregistration.k8s.io",
  version: "v1",
  namespaced: false,
  categories: ["api-extensions"],
} as const;

export const mutatingWebhookConfigurations = resource<MutatingWebhookConfiguration>({
  ...KIND,
  kind: "MutatingWebhookConfiguration",
  plural: "mutatingwebhookconfigurations",
});
export const validatingWebhookConfigurations = resource<ValidatingWebhookConfiguration>({
  ...KIND,
  kind: "ValidatingWebhookConfiguration",
  plural: "validatingwebhookconfigurations",
});
export const validatingAdmissionPolicies = resource<ValidatingAdmissionPolicy>({
  ...KIND,
  kind: "ValidatingAdmissionPolicy",
  plural: "validatingadmissionpolicies",
  subresources: [STATUS],
});
export const validatingAdmissionPolicyBindings = resource<ValidatingAdmissionPolicyBinding>({
  ...KIND,
  kind: "ValidatingAdmissionPolicyBinding",
  plural: "validatingadmissionpolicybindings",
});
export const mutatingAdmissionPolicies = resource<MutatingAdmissionPolicy>({
  ...KIND,
  kind: "MutatingAdmissionPolicy",
  plural: "mutatingadmissionpolicies",
});
export const mutatingAdmissionPolicyBindings = resource<MutatingAdmissionPolicyBinding>({
  ...KIND,
  kind: "MutatingAdmissionPolicyBinding",
  plural: "mutatingadmissionpolicybindings",
});
export const mutatingAdmissionPoliciesV1Beta1 = face<MutatingAdmissionPolicyV1Beta1>(
  mutatingAdmissionPolicies,
  "v1beta1",
);
export const mutatingAdmissionPolicyBindingsV1Beta1 = face<MutatingAdmissionPolicyBindingV1Beta1>(
  mutatingAdmissionPolicyBindings,
  "v1beta1",
);
