/** Reads the API description: protobuf files with the options of proto/options, through buf. */
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import {
  createFileRegistry,
  type DescExtension,
  type DescField,
  type DescFile,
  type DescMessage,
  type FileRegistry,
  fromBinary,
  getOption,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

/** The image has every comment in it; it is about 1 MB. */
const IMAGE_BYTES_MAX = 64 * 1024 * 1024;

export interface StringType {
  readonly name: string;
  readonly closed: boolean;
  readonly values: readonly string[];
}

export interface FileRules {
  readonly group: string;
  readonly stringTypes: readonly StringType[];
  readonly mapTypes: readonly { name: string; value: string; key: string }[];
  readonly sameAs: readonly { name: string; as: string }[];
}

export interface KindRules {
  readonly listOf: string;
  readonly introduced: string;
  readonly deprecated: string;
  readonly removed: string;
  readonly replacement: string;
}

export interface MessageRules {
  readonly typed: boolean;
  readonly kind: KindRules | undefined;
  readonly slice: boolean;
  readonly jsonOnly: boolean;
  readonly union: boolean;
  readonly structType: string;
  readonly special: string;
  readonly schema: string;
}

export interface FieldRules {
  readonly inline: boolean;
  readonly always: boolean;
  readonly omitZero: boolean;
  readonly required: boolean;
  readonly default: string | undefined;
  readonly defaultWhen: string;
  readonly stringType: string;
  readonly mapType: string;
  readonly keyType: string;
  readonly listType: string;
  readonly mapKeys: readonly string[];
  readonly patchStrategy: readonly string[];
  readonly mergeKey: string;
  readonly structType: string;
  readonly featureGate: string;
  readonly oneOf: string;
  readonly zeroOrOneOf: string;
  readonly discriminator: boolean;
  readonly rules: readonly string[];
}

export interface FieldDescription {
  readonly json: string;
  readonly number: number;
  /** `string`, `int32`, `int64`, `bool`, `bytes`, a special type, or `message`. */
  readonly type: string;
  /** `core.v1.PodSpec`, for a message. */
  readonly message: MessageDescription | undefined;
  readonly isList: boolean;
  readonly isMap: boolean;
  readonly isPointer: boolean;
  readonly isDeprecated: boolean;
  readonly rules: FieldRules;
  readonly doc: string;
}

export interface MessageDescription {
  readonly name: string;
  readonly fullName: string;
  /** `core.v1`. */
  readonly pack: string;
  readonly isDeprecated: boolean;
  readonly rules: MessageRules;
  readonly fields: readonly FieldDescription[];
  readonly doc: string;
}

export interface GroupVersionDescription {
  readonly pack: string;
  readonly group: string;
  readonly version: string;
  readonly stringTypes: readonly StringType[];
  readonly mapTypes: FileRules["mapTypes"];
  readonly sameAs: FileRules["sameAs"];
  readonly messages: readonly MessageDescription[];
}

/** Runs buf as the machine's own binary, since a machine without Node in its path has only ours. */
export function buf(args: readonly string[], root: string): Buffer {
  const require = createRequire(import.meta.url);
  const binary = require.resolve(`@bufbuild/buf-${process.platform}-${process.arch}/bin/buf`);
  return execFileSync(binary, args, {
    cwd: root,
    maxBuffer: IMAGE_BYTES_MAX,
    stdio: ["ignore", "pipe", "inherit"],
  });
}

export function readDescription(root: string): readonly GroupVersionDescription[] {
  const image = buf(["build", "-o", "-#format=binpb"], root);
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, image));
  const reader = new Reader(registry);
  const packs = new Map<string, DescFile[]>();
  for (const file of registry.files) {
    const pack = file.proto.package;
    if (!/^[a-z]+\.v\d/.test(pack) || /^(options|special)\./.test(pack)) continue;
    const files = packs.get(pack);
    if (files === undefined) packs.set(pack, [file]);
    else files.push(file);
  }
  return [...packs.keys()]
    .toSorted()
    .map((pack) => reader.groupVersion(pack, packs.get(pack) ?? []));
}

class Reader {
  readonly #file: DescExtension;
  readonly #message: DescExtension;
  readonly #field: DescExtension;
  readonly #messages = new Map<string, MessageDescription>();
  readonly #comments = new Map<DescFile, ReadonlyMap<string, string>>();

  constructor(registry: FileRegistry) {
    this.#file = extension(registry, "options.v1.file");
    this.#message = extension(registry, "options.v1.message");
    this.#field = extension(registry, "options.v1.field");
  }

  groupVersion(pack: string, files: readonly DescFile[]): GroupVersionDescription {
    const byName = files.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const rules = byName.map((file) => getOption(file, this.#file) as unknown as FileRules);
    return {
      pack,
      group: rules[0]?.group ?? "",
      version: pack.slice(pack.indexOf(".") + 1),
      stringTypes: rules.flatMap((rule) => rule.stringTypes),
      mapTypes: rules.flatMap((rule) => rule.mapTypes),
      sameAs: rules.flatMap((rule) => rule.sameAs),
      messages: byName.flatMap((file) => file.messages.map((message) => this.#describe(message))),
    };
  }

  /** Once each, and entered before its fields, since messages may hold themselves. */
  #describe(message: DescMessage): MessageDescription {
    const known = this.#messages.get(message.typeName);
    if (known !== undefined) return known;
    const fields: FieldDescription[] = [];
    const described: MessageDescription = {
      name: message.name,
      fullName: message.typeName,
      pack: message.file.proto.package,
      isDeprecated: message.deprecated,
      rules: getOption(message, this.#message) as unknown as MessageRules,
      fields,
      doc: this.#doc(message.file, `4,${message.file.messages.indexOf(message)}`),
    };
    this.#messages.set(message.typeName, described);
    for (const field of message.fields) fields.push(this.#describeField(field));
    return described;
  }

  #describeField(field: DescField): FieldDescription {
    const message = field.message === undefined ? undefined : this.#describe(field.message);
    const special = message?.rules.special ?? "";
    return {
      json: field.jsonName,
      number: field.number,
      type: message === undefined ? scalarName(field) : special === "" ? "message" : special,
      message: special === "" ? message : undefined,
      isList: field.fieldKind === "list",
      isMap: field.fieldKind === "map",
      isPointer: field.proto.proto3Optional,
      isDeprecated: field.deprecated,
      rules: getOption(field, this.#field) as unknown as FieldRules,
      doc: this.#fieldDoc(field),
    };
  }

  #fieldDoc(field: DescField): string {
    const { file, fields } = field.parent;
    return this.#doc(file, `4,${file.messages.indexOf(field.parent)},2,${fields.indexOf(field)}`);
  }

  #doc(file: DescFile, path: string): string {
    let comments = this.#comments.get(file);
    if (comments === undefined) {
      comments = commentsOf(file);
      this.#comments.set(file, comments);
    }
    return comments.get(path) ?? "";
  }
}

/** Path of a declaration within its file, in protobuf's numbers, → the comment above it. */
function commentsOf(file: DescFile): ReadonlyMap<string, string> {
  return new Map(
    (file.proto.sourceCodeInfo?.location ?? [])
      .filter((location) => location.leadingComments !== "")
      .map((location) => [location.path.join(","), paragraphs(location.leadingComments)]),
  );
}

function extension(registry: FileRegistry, name: string): DescExtension {
  const found = registry.getExtension(name);
  if (found === undefined) throw new Error(`proto/options lacks ${name}`);
  return found;
}

/** protobuf's numbers for the scalars that Kubernetes has. */
const SCALARS: ReadonlyMap<number | undefined, string> = new Map([
  [3, "int64"],
  [5, "int32"],
  [8, "bool"],
  [9, "string"],
  [12, "bytes"],
]);

function scalarName(field: DescField): string {
  const name = SCALARS.get(field.scalar);
  if (name === undefined) throw new Error(`${field.toString()}: a scalar that Kubernetes has not`);
  return name;
}

/** One line a paragraph. */
function paragraphs(comment: string): string {
  return comment
    .split(/\n\s*\n/)
    .map((paragraph) =>
      paragraph
        .split("\n")
        .map((line) => line.trim())
        .join(" ")
        .trim(),
    )
    .filter((paragraph) => paragraph !== "")
    .join("\n");
}
