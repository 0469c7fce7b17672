/**
 * What a client wants back: in which media type, and whether the object, its row in a table, or its metadata alone.
 * Chosen as Kubernetes chooses: the first clause of `Accept`, by weight, that can be met.
 */
import { StatusError } from "#lib/status-error";
import { JSON_TYPE, MEDIA_TYPES, type MediaType, PROTOBUF_TYPE, YAML_TYPE } from "./media-type.ts";

export interface Representation {
  readonly type: MediaType;
  readonly as: "Object" | "PartialObjectMetadata" | "Table";
  /** Of meta.k8s.io, for the last two. */
  readonly version: "v1" | "v1beta1";
}

/** What there is to choose from, by form. */
type Forms = Readonly<Record<Representation["as"], readonly MediaType[]>>;

const TEXTS: readonly MediaType[] = [JSON_TYPE, YAML_TYPE];
const STREAMS: readonly MediaType[] = [JSON_TYPE, PROTOBUF_TYPE];
/** One object for each, so that what is encoded for several clients can be compared at a glance. */
const representations = new Map<string, Representation>();
const OBJECT = shared({ type: JSON_TYPE, as: "Object", version: "v1" });
/** Clients send a handful of different headers; more are parsed each time. */
const PARSED_MAX = 256;

/** What one kind of route can answer with. */
export class Offer {
  readonly #forms: Forms;
  readonly #suffix: string;
  readonly #chosen = new Map<string, Representation>();

  private constructor(forms: Forms, suffix = "") {
    this.#forms = forms;
    this.#suffix = suffix;
  }

  static readonly object = new Offer({
    Object: MEDIA_TYPES,
    PartialObjectMetadata: MEDIA_TYPES,
    Table: TEXTS,
  });
  /** Of kinds that have no protobuf form; their metadata has one. */
  static readonly textObject = new Offer({
    Object: TEXTS,
    PartialObjectMetadata: MEDIA_TYPES,
    Table: TEXTS,
  });
  static readonly watch = new Offer(
    { Object: STREAMS, PartialObjectMetadata: STREAMS, Table: [JSON_TYPE] },
    ";stream=watch",
  );
  static readonly textWatch = new Offer(
    { Object: [JSON_TYPE], PartialObjectMetadata: STREAMS, Table: [JSON_TYPE] },
    ";stream=watch",
  );
  /** What has no columns and no metadata of its own to show: a Scale, a Status. */
  static readonly plain = new Offer({ Object: MEDIA_TYPES, PartialObjectMetadata: [], Table: [] });

  /** Throws NotAcceptable when the client takes none of it. */
  choose(accept: string | undefined): Representation {
    const chosen = this.find(accept);
    if (chosen !== undefined) return chosen;
    const known = this.#forms.Object.map((type) => type + this.#suffix).join(", ");
    throw new StatusError("NotAcceptable", `only the following media types are accepted: ${known}`);
  }

  /** Undefined when the client takes none of it. */
  find(accept: string | undefined): Representation | undefined {
    if (accept === undefined || accept === "" || accept === JSON_TYPE) return OBJECT;
    const known = this.#chosen.get(accept);
    if (known !== undefined) return known;
    const chosen = firstOf(acceptClauses(accept), (clause) => this.#meeting(clause));
    if (chosen !== undefined && this.#chosen.size < PARSED_MAX) this.#chosen.set(accept, chosen);
    return chosen;
  }

  #meeting(clause: Clause): Representation | undefined {
    const form = formOf(clause.parameters);
    if (form === undefined) return undefined;
    const type = this.#forms[form.as].find((each) => clause.matches(each));
    return type && shared({ type, ...form });
  }
}

function shared(representation: Representation): Representation {
  const { as, type, version } = representation;
  const id = `${type} ${as} ${version}`;
  const known = representations.get(id) ?? representation;
  representations.set(id, known);
  return known;
}

function firstOf<From, To>(
  values: readonly From[],
  find: (value: From) => To | undefined,
): To | undefined {
  for (const value of values) {
    const found = find(value);
    if (found !== undefined) return found;
  }
  return undefined;
}

export interface Clause {
  readonly parameters: ReadonlyMap<string, string>;
  matches(type: MediaType): boolean;
}

/** The clauses of an `Accept` header, the most wanted first; those that refuse a type are left out. */
export function acceptClauses(accept: string): readonly Clause[] {
  return accept
    .split(",")
    .map(parseClause)
    .filter(({ weight }) => weight > 0)
    .toSorted((a, b) => b.weight - a.weight || a.wildcards - b.wildcards);
}

function parseClause(text: string) {
  const [range = "", ...rest] = text.split(";").map((part) => part.trim());
  const [type = "", subtype = ""] = range.toLowerCase().split("/");
  const parameters = new Map(rest.map(pair));
  const weight = Number(parameters.get("q") ?? 1);
  return {
    parameters,
    weight: Number.isNaN(weight) ? 1 : weight,
    wildcards: Number(type === "*") + Number(subtype === "*"),
    matches: (media: MediaType): boolean =>
      `${type}/${subtype}` === media ||
      (subtype === "*" && (type === "*" || media.startsWith(`${type}/`))),
  };
}

function pair(parameter: string): readonly [string, string] {
  const at = parameter.indexOf("=");
  return at === -1
    ? [parameter, ""]
    : [parameter.slice(0, at).trim(), parameter.slice(at + 1).trim()];
}

/** Undefined for a form that nothing here has. */
function formOf(
  parameters: ReadonlyMap<string, string>,
): Pick<Representation, "as" | "version"> | undefined {
  const stream = parameters.get("stream") ?? "watch";
  if (stream !== "watch" && stream !== "") return undefined;
  const as = parameters.get("as");
  const version = parameters.get("v");
  const group = parameters.get("g");
  if (as === undefined && version === undefined && group === undefined)
    return { as: "Object", version: "v1" };
  if (group !== "meta.k8s.io" || (version !== "v1" && version !== "v1beta1")) return undefined;
  if (as === "Table") return { as, version };
  if (as === "PartialObjectMetadata" || as === "PartialObjectMetadataList")
    return { as: "PartialObjectMetadata", version };
  return undefined;
}
