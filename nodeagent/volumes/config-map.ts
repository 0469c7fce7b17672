import type { ConfigMap, KeyToPath } from "#proto/core/v1";
import { keyedFiles } from "./keyed-files.ts";
import type { VolumeContext, VolumeFiles } from "./volume.ts";

interface Source {
  readonly name?: string;
  readonly items?: readonly KeyToPath[];
  readonly optional?: boolean;
}

export function configMapFiles(context: VolumeContext, source: Source, mode: number): VolumeFiles {
  const { name = "", items, optional = false } = source;
  const object = context.configMap(name);
  const data = object === undefined ? undefined : bytesOf(object);
  return keyedFiles({ what: `configmap "${name}"`, data, items, isOptional: optional, mode });
}

function bytesOf({ data, binaryData }: ConfigMap): ReadonlyMap<string, Uint8Array> {
  return new Map([
    ...Object.entries(data ?? {}).map(([key, text]) => [key, Buffer.from(text)] as const),
    ...Object.entries(binaryData ?? {}).map(
      ([key, text]) => [key, Buffer.from(text, "base64")] as const,
    ),
  ]);
}
