import type { JsonObject } from "#lib/json";
import type { Connection, RequestOptions } from "./connection.ts";
import { statusError } from "./connection.ts";

/** One line of a watch, whatever its object is: a resource or a Table. */
export interface WatchLine<T> {
  readonly type: "ADDED" | "BOOKMARK" | "DELETED" | "MODIFIED";
  readonly object: T;
}

/** Longest line: a Table of one object, with the object in it. */
const LINE_BYTES_MAX = 16 * 1024 * 1024;

/** Events until the signal aborts or the server ends the watch. An ERROR event is thrown as the status it carries. */
export async function* watch<T = JsonObject>(
  connection: Connection,
  path: string,
  options: RequestOptions & { readonly signal: AbortSignal },
): AsyncGenerator<WatchLine<T>> {
  const query = { ...options.query, watch: true };
  const response = await connection.stream(path, { ...options, query });
  let rest = "";
  response.setEncoding("utf8");
  try {
    for await (const chunk of response) {
      rest += chunk as string;
      if (rest.length > LINE_BYTES_MAX)
        throw new Error("the server sent an event larger than 16 MiB");
      for (let end = rest.indexOf("\n"); end !== -1; end = rest.indexOf("\n")) {
        const event = JSON.parse(rest.slice(0, end)) as { type: string; object: { code?: number } };
        rest = rest.slice(end + 1);
        if (event.type === "ERROR")
          throw statusError(event.object.code ?? 500, JSON.stringify(event.object));
        yield event as unknown as WatchLine<T>;
      }
    }
  } catch (error) {
    // Whoever aborted knows; for them the watch simply ends.
    if (!options.signal.aborted) throw error;
  } finally {
    response.destroy();
  }
}
