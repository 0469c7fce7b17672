/** Fields that an expression reads, compared with what a kind has. Pure. */
import type { ASTNode } from "@marcbachmann/cel-js";
import { type Field, type Message, TYPE } from "#codec";
import type { Node } from "./nodes.ts";

/** What is known of a value: a struct of the API, many of something, or nothing. */
export type Shape =
  | { readonly kind: "list" | "map"; readonly of: Shape }
  | { readonly kind: "message"; readonly message: Message; readonly more?: readonly string[] }
  | { readonly kind: "unknown" };

export interface UndefinedField {
  readonly name: string;
  /** Where it stands in the expression, from 0. */
  readonly at: number;
}

export const UNKNOWN: Shape = { kind: "unknown" };

/** `names`: what variables are; those that are missing are unknown. */
export function checkFields(
  root: ASTNode,
  names: Readonly<Record<string, Shape>>,
): { readonly shape: Shape; readonly undefinedFields: readonly UndefinedField[] } {
  const check = new FieldCheck();
  const shape = check.shapeOf(root as unknown as Located, names);
  return { shape, undefinedFields: check.found };
}

type Located = Node & { readonly start: number; readonly end: number };
type Names = Readonly<Record<string, Shape>>;

/** What a loop over a list or map became. */
interface Comprehension {
  readonly iterable: Located;
  readonly iterVarName: string;
  readonly step: Located;
}

class FieldCheck {
  readonly found: UndefinedField[] = [];

  shapeOf(node: Located, names: Names): Shape {
    const { alternate } = node.meta;
    if (alternate !== undefined) return this.shapeOf(alternate as Located, names);
    const args = node.args as readonly unknown[];
    switch (node.op) {
      case "id":
        return names[String(node.args)] ?? UNKNOWN;
      case ".":
      case ".?":
        return this.#field(node, this.shapeOf(args[0] as Located, names), String(args[1]));
      case "[]":
      case "[?]": {
        this.shapeOf(args[1] as Located, names);
        const whole = this.shapeOf(args[0] as Located, names);
        return "of" in whole ? whole.of : UNKNOWN;
      }
      case "comprehension":
        return this.#loop(node.args as Comprehension, names);
      case "?:": {
        const [, yes, no] = args.map((each) => this.shapeOf(each as Located, names));
        return yes?.kind === no?.kind ? (yes ?? UNKNOWN) : UNKNOWN;
      }
      default:
        this.#visit(node.args, names);
        return UNKNOWN;
    }
  }

  #field({ end }: Located, whole: Shape, name: string): Shape {
    if (whole.kind === "map") return whole.of;
    if (whole.kind !== "message" || whole.more?.includes(name)) return UNKNOWN;
    const field = whole.message.byName.get(name);
    if (field !== undefined) return shapeOfField(field);
    this.found.push({ name, at: end - name.length });
    return UNKNOWN;
  }

  #loop({ iterVarName, iterable, step }: Comprehension, names: Names): Shape {
    const over = this.shapeOf(iterable, names);
    const each = over.kind === "list" ? over.of : UNKNOWN;
    this.shapeOf(step, { ...names, [iterVarName]: each });
    return UNKNOWN;
  }

  #visit(value: unknown, names: Names): void {
    if (Array.isArray(value)) for (const each of value) this.#visit(each, names);
    else if (typeof value === "object" && value !== null && "op" in value && "meta" in value)
      this.shapeOf(value as Located, names);
  }
}

function shapeOfField({ isList, isMap, message, type }: Field): Shape {
  const one: Shape =
    type === TYPE.message && message !== undefined ? { kind: "message", message } : UNKNOWN;
  if (isMap) return { kind: "map", of: one };
  return isList ? { kind: "list", of: one } : one;
}
