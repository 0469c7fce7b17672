/** Names of schemas as Kubernetes has them: `io.k8s.api.core.v1.Pod`. Clients know some of them by heart. */
import { type Field, TYPE } from "../schema.ts";

const SPECIAL: ReadonlyMap<number, string> = new Map([
  [TYPE.quantity, "io.k8s.apimachinery.pkg.api.resource.Quantity"],
  [TYPE.intOrString, "io.k8s.apimachinery.pkg.util.intstr.IntOrString"],
  [TYPE.time, "io.k8s.apimachinery.pkg.apis.meta.v1.Time"],
  [TYPE.microTime, "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime"],
  [TYPE.duration, "io.k8s.apimachinery.pkg.apis.meta.v1.Duration"],
  [TYPE.raw, "io.k8s.apimachinery.pkg.runtime.RawExtension"],
  [TYPE.fields, "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1"],
]);

/** `core.v1.Pod` → `io.k8s.api.core.v1.Pod`. */
export function schemaName(messageName: string): string {
  const isMeta = messageName.startsWith("meta.");
  return `${isMeta ? "io.k8s.apimachinery.pkg.apis." : "io.k8s.api."}${messageName}`;
}

/** The schema that a field's values refer to, or undefined for plain ones. */
export function referenceOf(field: Field): string | undefined {
  if (field.type === TYPE.message && field.message !== undefined)
    return schemaName(field.message.name);
  return SPECIAL.get(field.type);
}
