import type { JsonObject } from "#lib/json";
import type { Container, Pod } from "#proto/core/v1";
import { pods } from "#resources";
import { invalid } from "../../chain/failures.ts";
import type { AdmissionRequest } from "../../chain/steps.ts";
import { unsupported } from "../../rules/causes.ts";
import { isWriteOf, type Plugin, type Validator } from "../plugin.ts";

const LISTS = ["initContainers", "containers", "ephemeralContainers"] as const;
const ALWAYS = "Always";

/** Every pod's images are asked for anew, so that nobody runs what another pulled with a right of his own. */
export const alwaysPullImages: Plugin = (request) => {
  const { object } = request;
  if (object === undefined || !isConcerned(request)) return undefined;
  const spec = (object as unknown as Pod).spec;
  const lists = LISTS.filter((list) => spec[list] !== undefined).map((list) => [
    list,
    (spec[list] ?? []).map((container) => ({ ...container, imagePullPolicy: ALWAYS })),
  ]);
  const forced = { ...spec, ...Object.fromEntries(lists) };
  return { ...object, spec: forced as unknown as JsonObject };
};

/** Somebody may have changed it since. */
export const imagesArePulled: Validator = (request) => {
  const { name = "", object, resource } = request;
  if (object === undefined || !isConcerned(request)) return undefined;
  const { spec } = object as unknown as Pod;
  const causes = LISTS.flatMap((list) =>
    (spec[list] ?? []).flatMap(({ imagePullPolicy = "" }, at) =>
      imagePullPolicy === ALWAYS
        ? []
        : [unsupported(`spec.${list}[${at}].imagePullPolicy`, imagePullPolicy, [ALWAYS])],
    ),
  );
  if (causes.length > 0) throw invalid(resource, name, causes);
  return undefined;
};

/** A pod that is there may keep what it was made with, as long as it gets no other image. */
function isConcerned(request: AdmissionRequest): boolean {
  if (!isWriteOf(request, pods)) return false;
  const { object, oldObject } = request;
  if (oldObject === undefined) return true;
  const known = new Set(imagesOf(oldObject));
  return imagesOf(object ?? {}).some((image) => !known.has(image));
}

function imagesOf(pod: JsonObject): readonly string[] {
  const { spec } = pod as unknown as Pod;
  const all: readonly Pick<Container, "image">[] = LISTS.flatMap((list) => spec?.[list] ?? []);
  return all.map(({ image }) => image ?? "");
}
