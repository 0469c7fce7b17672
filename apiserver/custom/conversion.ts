import type { JsonObject } from "#lib/json";

/** Gives objects of one kind in another version, in the same order. Those that are in it already come back as they are. */
export type Converter = (
  objects: readonly JsonObject[],
  apiVersion: string,
) => Promise<readonly JsonObject[]>;

/** Strategy None: versions differ in their name alone. */
export const renameVersion: Converter = async (objects, apiVersion) =>
  objects.map((object) =>
    object["apiVersion"] === apiVersion ? object : { ...object, apiVersion },
  );
