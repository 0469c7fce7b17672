/** An account may say that its pods use no Secrets but those that it lists. */
import type { PodSpec, ServiceAccount } from "#proto/core/v1";

const ENFORCED = "kubernetes.io/enforce-mountable-secrets";

interface Named {
  readonly name: string;
  /** Where the pod names it. */
  readonly field: string;
}

/** Undefined when the account has nothing against it. */
export function refusedSecret(account: ServiceAccount, spec: PodSpec): string | undefined {
  const { imagePullSecrets = [], metadata, secrets = [] } = account;
  if (metadata.annotations?.[ENFORCED]?.toLowerCase() !== "true") return undefined;
  const listed = new Set(secrets.map(({ name }) => name));
  const strange = secretNames(spec).find(({ name }) => !listed.has(name));
  const refusal = ({ field, name }: Named, what: string): string =>
    `${field}="${name}" is not allowed because service account ${metadata.name} does not reference that ${what}`;
  if (strange !== undefined) return refusal(strange, "secret");
  const pulls = new Set(imagePullSecrets.map(({ name }) => name));
  const pull = (spec.imagePullSecrets ?? []).find(({ name }) => !pulls.has(name));
  if (pull === undefined) return undefined;
  return refusal({ field: "imagePullSecrets[].name", name: pull.name ?? "" }, "imagePullSecret");
}

/** All but those for pulling images. */
export function secretNames(spec: PodSpec): readonly Named[] {
  const fromVolumes = (spec.volumes ?? []).map(({ secret }) => ({
    name: secret?.secretName,
    field: "volume with secret.secretName",
  }));
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const fromContainers = containers.flatMap(({ env = [], envFrom = [], name: container }) => [
    ...env.map(({ name, valueFrom }) => ({
      name: valueFrom?.secretKeyRef?.name,
      field: `container ${container} with envVar ${name} referencing secret.secretName`,
    })),
    ...envFrom.map(({ secretRef }) => ({
      name: secretRef?.name,
      field: `container ${container} with envFrom referencing secret.secretName`,
    })),
  ]);
  return [...fromVolumes, ...fromContainers].flatMap(({ field, name }) =>
    name === undefined || name === "" ? [] : [{ name, field }],
  );
}
