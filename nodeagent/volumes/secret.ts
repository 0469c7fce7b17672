import type { KeyToPath } from "#proto/core/v1";
import { keyedFiles } from "./keyed-files.ts";
import type { VolumeContext, VolumeFiles } from "./volume.ts";

interface Source {
  readonly name?: string;
  readonly items?: readonly KeyToPath[];
  readonly optional?: boolean;
}

export function secretFiles(context: VolumeContext, source: Source, mode: number): VolumeFiles {
  const { name = "", items, optional = false } = source;
  const object = context.secret(name);
  const data =
    object === undefined
      ? undefined
      : new Map(
          Object.entries(object.data ?? {}).map(([key, text]) => [
            key,
            Buffer.from(text, "base64"),
          ]),
        );
  return keyedFiles({ what: `secret "${name}"`, data, items, isOptional: optional, mode });
}
