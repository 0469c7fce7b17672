/** Which form of an answer a client wants: the object, its row in a table, or its metadata alone. */
import { StatusError } from "#lib/status-error";

export interface Representation {
  readonly as: "Object" | "PartialObjectMetadata" | "Table";
  /** Of meta.k8s.io, for the last two. */
  readonly version: "v1" | "v1beta1";
}

const OBJECT: Representation = { as: "Object", version: "v1" };
const parsed = new Map<string, Representation>();
/** Clients send a handful of different headers; more are parsed each time. */
const PARSED_MAX = 256;

export function representation(accept: string | undefined): Representation {
  if (accept === undefined || accept === "" || accept === "application/json") return OBJECT;
  const known = parsed.get(accept);
  if (known !== undefined) return known;
  const chosen = choose(accept);
  if (parsed.size < PARSED_MAX) parsed.set(accept, chosen);
  return chosen;
}

function choose(accept: string): Representation {
  for (const clause of accept.split(",")) {
    const [type = "", ...parameters] = clause.split(";").map((part) => part.trim());
    if (type === "*/*" || type === "application/*") return OBJECT;
    if (type !== "application/json") continue;
    const found = fromParameters(new Map(parameters.map(pair)));
    if (found !== undefined) return found;
  }
  throw new StatusError(
    "NotAcceptable",
    "only the following media types are accepted: application/json",
  );
}

function pair(parameter: string): readonly [string, string] {
  const at = parameter.indexOf("=");
  return [parameter.slice(0, at), parameter.slice(at + 1)];
}

function fromParameters(parameters: ReadonlyMap<string, string>): Representation | undefined {
  const as = parameters.get("as");
  if (as === undefined) return OBJECT;
  const version = parameters.get("v");
  if (parameters.get("g") !== "meta.k8s.io") return undefined;
  if (version !== "v1" && version !== "v1beta1") return undefined;
  if (as === "Table") return { as, version };
  if (as === "PartialObjectMetadata" || as === "PartialObjectMetadataList")
    return { as: "PartialObjectMetadata", version };
  return undefined;
}
