import type { JsonValue } from "#proto";

/** `latest` may be another image tomorrow, so it is asked for each time. Nothing without an image. */
export function imagePullPolicy(
  image: JsonValue | undefined,
): "Always" | "IfNotPresent" | undefined {
  if (typeof image !== "string" || image === "") return "IfNotPresent";
  if (image.includes("@")) return "IfNotPresent";
  const name = image.slice(image.lastIndexOf("/") + 1);
  const colon = name.indexOf(":");
  return colon === -1 || name.slice(colon + 1) === "latest" ? "Always" : "IfNotPresent";
}
