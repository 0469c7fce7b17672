import { isDeepStrictEqual } from "node:util";
import { labelNameProblem, subdomainProblem } from "#lib/api/names";
import type { JsonObject } from "#lib/json";
import type { RoleBinding } from "#proto/rbac/v1";
import { type Causes, invalid, unsupported } from "../causes.ts";
import { named, nonEmpty, requiredOneOf } from "../checks.ts";
import type { KindRules } from "../kind-rules.ts";

type Subject = NonNullable<RoleBinding["subjects"]>[number];

const GROUP = "rbac.authorization.k8s.io";
const SUBJECTS = ["Group", "ServiceAccount", "User"];

/** RoleBindings and ClusterRoleBindings. */
export const bindingRules: KindRules = {
  nameRule: "path",
  complete(object) {
    const { roleRef, subjects } = object as unknown as RoleBinding;
    const completed = {
      ...object,
      roleRef: { ...roleRef, apiGroup: roleRef?.apiGroup || GROUP },
      ...(subjects === undefined ? {} : { subjects: subjects.map(completeSubject) }),
    };
    return completed as unknown as JsonObject;
  },
  validate(object) {
    const { roleRef, subjects = [] } = object as unknown as RoleBinding;
    const kinds = object["kind"] === "RoleBinding" ? ["ClusterRole", "Role"] : ["ClusterRole"];
    return [
      ...(roleRef.apiGroup === GROUP
        ? []
        : [unsupported("roleRef.apiGroup", roleRef.apiGroup, [GROUP])]),
      ...requiredOneOf("roleRef.kind", roleRef.kind, kinds),
      ...nonEmpty("roleRef.name", roleRef.name),
      ...subjects.flatMap((subject, at) => validateSubject(subject, `subjects[${at}]`)),
    ];
  },
  validateUpdate: (object, old) =>
    isDeepStrictEqual(object["roleRef"], old["roleRef"])
      ? []
      : [invalid("roleRef", object["roleRef"], "cannot change roleRef")],
};

function completeSubject(subject: Subject): Subject {
  if (subject.kind === "ServiceAccount" || subject.apiGroup) return subject;
  return { ...subject, apiGroup: GROUP };
}

function validateSubject({ apiGroup = "", kind, name, namespace }: Subject, path: string): Causes {
  const wrongKind = requiredOneOf(`${path}.kind`, kind, SUBJECTS);
  if (wrongKind.length > 0) return wrongKind;
  const isAccount = kind === "ServiceAccount";
  const group = isAccount ? "" : GROUP;
  return [
    ...nonEmpty(`${path}.name`, name),
    ...(apiGroup === group ? [] : [unsupported(`${path}.apiGroup`, apiGroup, [group])]),
    ...(isAccount ? named(`${path}.name`, name, subdomainProblem) : []),
    ...(isAccount ? nonEmpty(`${path}.namespace`, namespace) : []),
    ...(isAccount ? named(`${path}.namespace`, namespace, labelNameProblem) : []),
  ];
}
