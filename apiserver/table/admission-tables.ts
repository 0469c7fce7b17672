import { labelSelectorToString } from "#lib/api/selector";
import type {
  MutatingAdmissionPolicy,
  MutatingWebhookConfiguration,
  ParamKind,
  ParamRef,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from "#proto/admissionregistration/v1";
import { age } from "./duration.ts";
import type { KindTable } from "./table.ts";

const webhooks: KindTable = {
  columns: ["Name", "Webhooks:integer", "Age"],
  row: (object, nowMs) => {
    const { metadata, webhooks: all = [] } = object as MutatingWebhookConfiguration;
    return { cells: [metadata.name, all.length, age(metadata.creationTimestamp, nowMs)] };
  },
};

const validatingPolicy: KindTable = {
  columns: ["Name", "Validations:integer", "ParamKind", "Age"],
  row: (object, nowMs) => {
    const { metadata, spec } = object as ValidatingAdmissionPolicy;
    return {
      cells: [
        metadata.name,
        (spec?.validations ?? []).length,
        paramKindText(spec?.paramKind),
        age(metadata.creationTimestamp, nowMs),
      ],
    };
  },
};

const mutatingPolicy: KindTable = {
  columns: ["Name", "Mutations:integer", "ParamKind", "Age"],
  row: (object, nowMs) => {
    const { metadata, spec } = object as MutatingAdmissionPolicy;
    return {
      cells: [
        metadata.name,
        (spec?.mutations ?? []).length,
        paramKindText(spec?.paramKind),
        age(metadata.creationTimestamp, nowMs),
      ],
    };
  },
};

const binding: KindTable = {
  columns: ["Name", "PolicyName", "ParamRef", "Age"],
  row: (object, nowMs) => {
    const { metadata, spec } = object as ValidatingAdmissionPolicyBinding;
    return {
      cells: [
        metadata.name,
        spec?.policyName ?? "",
        paramRefText(spec?.paramRef),
        age(metadata.creationTimestamp, nowMs),
      ],
    };
  },
};

function paramKindText(kind: ParamKind | undefined): string {
  return kind === undefined ? "<unset>" : `${kind.apiVersion ?? ""}/${kind.kind ?? ""}`;
}

function paramRefText(paramRef: ParamRef | undefined): string {
  if (paramRef === undefined) return "<unset>";
  const { name, namespace, selector } = paramRef;
  if (!name) return selector === undefined ? "<unset>" : labelSelectorToString(selector);
  return namespace ? `${namespace}/${name}` : `*/${name}`;
}

export const ADMISSION_TABLES: Readonly<Record<string, KindTable>> = {
  MutatingAdmissionPolicy: mutatingPolicy,
  MutatingAdmissionPolicyBinding: binding,
  MutatingWebhookConfiguration: webhooks,
  ValidatingAdmissionPolicy: validatingPolicy,
  ValidatingAdmissionPolicyBinding: binding,
  ValidatingWebhookConfiguration: webhooks,
};
