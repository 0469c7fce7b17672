import { isDeepStrictEqual } from "node:util";
import { subdomainProblem } from "#lib/api/names";
import type { JsonObject } from "#lib/json";
import type { VolumeAttachment, VolumeError } from "#proto/storage/v1";
import { type Causes, forbidden, invalid, required } from "../causes.ts";
import { named } from "../checks.ts";
import { validateVolume } from "../core/persistent-volume.ts";
import { type KindRules, specOf } from "../kind-rules.ts";
import { driverName, tooLong } from "./csi.ts";

/** Kubernetes' bounds, in bytes. */
const METADATA_BYTES_MAX = 256 * 1024;
const MESSAGE_BYTES_MAX = 1024;
const ERROR_CODE_MAX = 2 ** 31 - 1;

export const volumeAttachmentRules: KindRules = {
  nameRule: "subdomain",
  firstStatus: () => ({ attached: false }),
  validateCreate(object) {
    const { attacher, nodeName, source } = (object as unknown as VolumeAttachment).spec;
    const problem = subdomainProblem(nodeName);
    return [
      ...driverName("spec.attacher", attacher),
      ...sourceCauses("spec.source", source),
      ...(problem === undefined ? [] : [invalid("spec.nodeName", nodeName, problem)]),
    ];
  },
  validateUpdate: (object, old) =>
    isDeepStrictEqual(specOf(object), specOf(old))
      ? []
      : [invalid("spec", specOf(object), "field is immutable")],
  parts: {
    status: {
      take: (object, old) => ({ ...old, status: object["status"] ?? { attached: false } }),
      validate: statusCauses,
    },
  },
};

function sourceCauses(path: string, source: VolumeAttachment["spec"]["source"]): Causes {
  const { inlineVolumeSpec, persistentVolumeName } = source ?? {};
  const why = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
  if (inlineVolumeSpec === undefined && persistentVolumeName === undefined)
    return [required(path, why)];
  if (inlineVolumeSpec !== undefined && persistentVolumeName !== undefined)
    return [forbidden(path, why)];
  if (inlineVolumeSpec !== undefined)
    return validateVolume(inlineVolumeSpec, `${path}.inlineVolumeSpec`);
  const field = `${path}.persistentVolumeName`;
  return persistentVolumeName === ""
    ? [required(field, "must specify non empty persistentVolumeName")]
    : named(field, persistentVolumeName, subdomainProblem);
}

function statusCauses(object: JsonObject): Causes {
  const { attachError, attachmentMetadata, detachError } =
    (object as unknown as VolumeAttachment).status ?? {};
  const bytes = Object.entries(attachmentMetadata ?? {}).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
  return [
    ...(bytes > METADATA_BYTES_MAX
      ? [tooLong("status.attachmentMetadata", METADATA_BYTES_MAX)]
      : []),
    ...errorCauses("status.attachError", attachError),
    ...errorCauses("status.detachError", detachError),
  ];
}

function errorCauses(path: string, error: VolumeError | undefined): Causes {
  const { errorCode = 0, message = "" } = error ?? {};
  const why = `must be between 0 and ${ERROR_CODE_MAX}, inclusive`;
  return [
    ...(Buffer.byteLength(message) > MESSAGE_BYTES_MAX
      ? [tooLong(`${path}.message`, MESSAGE_BYTES_MAX)]
      : []),
    ...(errorCode < 0 ? [invalid(`${path}.errorCode`, errorCode, why)] : []),
  ];
}
