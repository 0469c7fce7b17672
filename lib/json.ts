export type { JsonObject, JsonValue } from "#proto";
