import { configKeyProblem, labelNameProblem } from "#lib/api/names";
import { tryParseQuantity } from "#lib/api/quantity";
import type { ClusterTrustBundleProjection, Volume } from "#proto/core/v1";
import { type Causes, duplicate, forbidden, invalid, required } from "../causes.ts";
import {
  between,
  givenOf,
  labelSelector,
  named,
  nonEmpty,
  oneOf,
  pathBelow,
  repeats,
} from "../checks.ts";
import { validateFieldRef, validateResourceRef } from "./references.ts";

const MODE = { min: 0, max: 0o777 };
const HOST_PATH_TYPES = [
  "",
  "BlockDevice",
  "CharDevice",
  "Directory",
  "DirectoryOrCreate",
  "File",
  "FileOrCreate",
  "Socket",
];
/** A volume shows no other fields: they may change while it is mounted. */
const VOLUME_FIELDS = [
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
];
const PROJECTIONS = [
  "clusterTrustBundle",
  "configMap",
  "downwardAPI",
  "podCertificate",
  "secret",
  "serviceAccountToken",
];
/** Shorter would be renewed all the time. */
const TOKEN_SECONDS_MIN = 600;

export function validateVolumes(volumes: readonly Volume[], path: string): Causes {
  const isTwice = repeats(volumes.map(({ name }) => name));
  return volumes.flatMap((volume, at) => {
    const here = `${path}[${at}]`;
    const { name, ...sources } = volume;
    const kinds = Object.keys(sources);
    return [
      ...nonEmpty(`${here}.name`, name),
      ...named(`${here}.name`, name, labelNameProblem),
      ...(isTwice[at] ? [duplicate(`${here}.name`, name)] : []),
      ...(kinds.length === 0 ? [required(here, "must specify a volume type")] : []),
      ...(kinds.length > 1
        ? [forbidden(`${here}.${kinds[1]}`, "may not specify more than 1 volume type")]
        : []),
      ...validateSource(volume, here),
    ];
  });
}

function validateSource(volume: Volume, path: string): Causes {
  const { configMap, downwardAPI, emptyDir, hostPath, persistentVolumeClaim, projected, secret } =
    volume;
  if (hostPath !== undefined) return validateHostPath(hostPath, `${path}.hostPath`);
  if (emptyDir !== undefined) return validateEmptyDir(emptyDir, `${path}.emptyDir`);
  if (secret !== undefined) {
    const here = `${path}.secret`;
    return [...nonEmpty(`${here}.secretName`, secret.secretName), ...validateFiles(secret, here)];
  }
  if (configMap !== undefined) {
    const here = `${path}.configMap`;
    return [...nonEmpty(`${here}.name`, configMap.name), ...validateFiles(configMap, here)];
  }
  if (downwardAPI !== undefined) return validateDownward(downwardAPI, `${path}.downwardAPI`);
  if (projected !== undefined) return validateProjected(projected, `${path}.projected`);
  if (persistentVolumeClaim === undefined) return [];
  return nonEmpty(`${path}.persistentVolumeClaim.claimName`, persistentVolumeClaim.claimName);
}

function validateHostPath(
  { path: on, type }: NonNullable<Volume["hostPath"]>,
  path: string,
): Causes {
  const climbs = (on ?? "").split("/").includes("..");
  return [
    ...nonEmpty(`${path}.path`, on),
    ...(climbs ? [invalid(`${path}.path`, on, "must not contain '..'")] : []),
    ...oneOf(`${path}.type`, type, HOST_PATH_TYPES),
  ];
}

function validateEmptyDir(
  { medium = "", sizeLimit }: NonNullable<Volume["emptyDir"]>,
  path: string,
): Causes {
  const isKnown = medium === "" || medium === "Memory" || medium.startsWith("HugePages");
  const size = sizeLimit === undefined ? undefined : tryParseQuantity(sizeLimit);
  const isBad = sizeLimit !== undefined && (size === undefined || size.nanos < 0n);
  return [
    ...(isKnown ? [] : oneOf(`${path}.medium`, medium, ["", "HugePages", "Memory"])),
    ...(isBad
      ? [
          invalid(
            `${path}.sizeLimit`,
            sizeLimit,
            "SizeLimit field must be a valid resource quantity",
          ),
        ]
      : []),
  ];
}

interface Files {
  readonly defaultMode?: number;
  readonly items?: readonly {
    readonly key: string;
    readonly path: string;
    readonly mode?: number;
  }[];
}

function validateFiles({ defaultMode, items = [] }: Files, path: string): Causes {
  return [
    ...between(`${path}.defaultMode`, defaultMode, MODE),
    ...items.flatMap((item, at) => {
      const here = `${path}.items[${at}]`;
      return [
        ...nonEmpty(`${here}.key`, item.key),
        ...named(`${here}.key`, item.key, configKeyProblem),
        ...nonEmpty(`${here}.path`, item.path),
        ...pathBelow(`${here}.path`, item.path),
        ...between(`${here}.mode`, item.mode, MODE),
      ];
    }),
  ];
}

function validateDownward(
  { defaultMode, items = [] }: NonNullable<Volume["downwardAPI"]>,
  path: string,
): Causes {
  return [
    ...between(`${path}.defaultMode`, defaultMode, MODE),
    ...items.flatMap((item, at) => {
      const here = `${path}.items[${at}]`;
      return [
        ...nonEmpty(`${here}.path`, item.path),
        ...pathBelow(`${here}.path`, item.path),
        ...between(`${here}.mode`, item.mode, MODE),
        ...validateItemSource(item, here),
      ];
    }),
  ];
}

type DownwardItem = NonNullable<NonNullable<Volume["downwardAPI"]>["items"]>[number];

function validateItemSource({ fieldRef, resourceFieldRef }: DownwardItem, path: string): Causes {
  if (fieldRef !== undefined && resourceFieldRef !== undefined)
    return [
      invalid(
        path,
        "resource",
        "fieldRef and resourceFieldRef can not be specified simultaneously",
      ),
    ];
  if (fieldRef !== undefined) return validateFieldRef(fieldRef, `${path}.fieldRef`, VOLUME_FIELDS);
  if (resourceFieldRef === undefined)
    return [required(path, "one of fieldRef and resourceFieldRef is required")];
  return [
    ...nonEmpty(`${path}.resourceFieldRef.containerName`, resourceFieldRef.containerName),
    ...validateResourceRef(resourceFieldRef, `${path}.resourceFieldRef`),
  ];
}

function validateProjected(
  { defaultMode, sources = [] }: NonNullable<Volume["projected"]>,
  path: string,
): Causes {
  return [
    ...between(`${path}.defaultMode`, defaultMode, MODE),
    ...sources.flatMap((source, at) => {
      const here = `${path}.sources[${at}]`;
      const given = givenOf(source, PROJECTIONS);
      const { clusterTrustBundle, configMap, downwardAPI, secret } = source;
      const { serviceAccountToken: token } = source;
      return [
        ...(given.length === 0 ? [required(here, "must specify at least one volume type")] : []),
        ...(given.length > 1
          ? [forbidden(`${here}.${given[1]}`, "may not specify more than 1 volume type")]
          : []),
        ...(secret === undefined ? [] : validateNamed(secret, `${here}.secret`)),
        ...(configMap === undefined ? [] : validateNamed(configMap, `${here}.configMap`)),
        ...(downwardAPI === undefined ? [] : validateDownward(downwardAPI, `${here}.downwardAPI`)),
        ...(token === undefined ? [] : validateToken(token, `${here}.serviceAccountToken`)),
        ...(clusterTrustBundle === undefined
          ? []
          : trustBundleCauses(clusterTrustBundle, `${here}.clusterTrustBundle`)),
      ];
    }),
  ];
}

/** Bundles are chosen by name, or by signer and labels. */
function trustBundleCauses(
  { labelSelector: labels, name, path: file, signerName }: ClusterTrustBundleProjection,
  path: string,
): Causes {
  const [hasName, hasSigner] = [name !== undefined, signerName !== undefined];
  return [
    ...(hasName && hasSigner
      ? [forbidden(path, "only one of name and signerName may be used")]
      : []),
    ...(!hasName && !hasSigner
      ? [required(path, "either name or signerName must be specified")]
      : []),
    ...(hasName && labels !== undefined
      ? [forbidden(`${path}.labelSelector`, "labelSelector must be unset if name is specified")]
      : []),
    ...(hasName ? nonEmpty(`${path}.name`, name) : []),
    ...(hasSigner ? nonEmpty(`${path}.signerName`, signerName) : []),
    ...labelSelector(labels, `${path}.labelSelector`),
    ...nonEmpty(`${path}.path`, file),
    ...pathBelow(`${path}.path`, file),
  ];
}

function validateNamed(source: Files & { readonly name?: string }, path: string): Causes {
  return [...nonEmpty(`${path}.name`, source.name), ...validateFiles(source, path)];
}

function validateToken(
  { expirationSeconds, path: file }: { readonly expirationSeconds?: number; readonly path: string },
  path: string,
): Causes {
  const isShort = expirationSeconds !== undefined && expirationSeconds < TOKEN_SECONDS_MIN;
  return [
    ...nonEmpty(`${path}.path`, file),
    ...pathBelow(`${path}.path`, file),
    ...(isShort
      ? [
          invalid(
            `${path}.expirationSeconds`,
            expirationSeconds,
            "may not specify a duration less than 10 minutes",
          ),
        ]
      : []),
  ];
}
