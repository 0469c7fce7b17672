import { environmentNameProblem } from "#lib/api/names";
import type { Container, EnvVar } from "#proto/core/v1";
import { type Causes, invalid, required } from "../causes.ts";
import { givenOf, named, nonEmpty } from "../checks.ts";
import { validateFieldRef, validateResourceRef } from "./references.ts";

const SOURCES = ["configMapKeyRef", "fieldRef", "fileKeyRef", "resourceFieldRef", "secretKeyRef"];
const FIELDS = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];

export function validateEnvironment(container: Container, path: string): Causes {
  return [
    ...(container.env ?? []).flatMap((variable, at) => {
      const here = `${path}.env[${at}]`;
      return [
        ...nonEmpty(`${here}.name`, variable.name),
        ...named(`${here}.name`, variable.name, environmentNameProblem),
        ...validateValueFrom(variable, `${here}.valueFrom`),
      ];
    }),
    ...(container.envFrom ?? []).flatMap((source, at) => {
      const here = `${path}.envFrom[${at}]`;
      const { configMapRef, prefix, secretRef } = source;
      return [
        ...named(`${here}.prefix`, prefix, environmentNameProblem),
        ...validateSource({ configMapRef, secretRef }, here),
      ];
    }),
  ];
}

function validateSource(
  {
    configMapRef,
    secretRef,
  }: {
    readonly configMapRef: { readonly name?: string } | undefined;
    readonly secretRef: { readonly name?: string } | undefined;
  },
  path: string,
): Causes {
  if (configMapRef !== undefined && secretRef !== undefined)
    return [invalid(path, "", "may not have more than one field specified at a time")];
  if (configMapRef !== undefined) return nonEmpty(`${path}.configMapRef.name`, configMapRef.name);
  if (secretRef !== undefined) return nonEmpty(`${path}.secretRef.name`, secretRef.name);
  return [invalid(path, "", "must specify one of: `configMapRef` or `secretRef`")];
}

function validateValueFrom({ value, valueFrom }: EnvVar, path: string): Causes {
  if (valueFrom === undefined) return [];
  if ((value ?? "") !== "")
    return [invalid(path, "", "may not be specified when `value` is not empty")];
  const given = givenOf(valueFrom, SOURCES);
  if (given.length === 0) {
    const what =
      "`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
    return [invalid(path, "", `must specify one of: ${what}`)];
  }
  if (given.length > 1)
    return [invalid(path, "", "may not have more than one field specified at a time")];
  const { configMapKeyRef, fieldRef, resourceFieldRef, secretKeyRef } = valueFrom;
  return [
    ...(fieldRef === undefined ? [] : validateFieldRef(fieldRef, `${path}.fieldRef`, FIELDS)),
    ...(resourceFieldRef === undefined
      ? []
      : validateResourceRef(resourceFieldRef, `${path}.resourceFieldRef`)),
    ...validateKeyRef(configMapKeyRef, `${path}.configMapKeyRef`),
    ...validateKeyRef(secretKeyRef, `${path}.secretKeyRef`),
  ];
}

function validateKeyRef(
  reference: { readonly name?: string; readonly key: string } | undefined,
  path: string,
): Causes {
  if (reference === undefined) return [];
  return [
    ...nonEmpty(`${path}.name`, reference.name),
    ...((reference.key ?? "") === "" ? [required(`${path}.key`)] : []),
  ];
}
