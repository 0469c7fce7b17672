import type { JsonObject } from "#lib/json";
import { StatusError } from "#lib/status-error";
import type { Table, TableRow } from "#proto/meta/v1";
import { pathOf } from "../connection/path.ts";
import { watch } from "../connection/watch.ts";
import { formatObject, type OutputFormat, parseOutput } from "../print/output.ts";
import { columnWidths, formatRow } from "../print/table.ts";
import type { ObjectArgument } from "../resource-arguments.ts";
import type { Session } from "../session.ts";
import { UserError } from "../terminal.ts";

export interface GetOptions {
  readonly output?: string;
  readonly selector?: string;
  readonly fieldSelector?: string;
  readonly watch?: boolean;
  readonly headers?: boolean;
  readonly ignoreNotFound?: boolean;
  readonly showLabels?: boolean;
}

const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
/** kubectl's page: a list of many objects comes in pieces that neither side has to hold at once. */
const PAGE_LIMIT = 500;

export async function get(
  session: Session,
  words: readonly string[],
  options: GetOptions,
): Promise<void> {
  const format = parseOutput(options.output);
  const wanted = await session.objectArguments(words);
  if (wanted.some(({ name }) => name !== undefined) && session.allNamespaces) {
    throw new UserError(
      "a name and --all-namespaces exclude each other: names are unique only within a namespace",
    );
  }
  if (format.kind === "table" || format.kind === "wide")
    await getTables(session, wanted, options, format);
  else await getObjects(session, wanted, options, format);
}

async function getTables(
  session: Session,
  wanted: readonly ObjectArgument[],
  options: GetOptions,
  format: OutputFormat,
): Promise<void> {
  const isWide = format.kind === "wide";
  let printed = 0;
  for (const argument of wanted) {
    const printer = new TablePrinter(session, options, {
      isWide,
      argument,
      many: wanted.length > 1,
    });
    const version = await list(session, argument, options, (table) => printer.print(table));
    if (printer.rows > 0 && wanted.length > 1 && argument.name === undefined)
      session.terminal.out("\n");
    printed += printer.rows;
    if (options.watch === true) await follow(session, argument, options, version, printer);
  }
  if (printed === 0 && options.watch !== true && options.ignoreNotFound !== true) {
    const where = session.allNamespaces ? "" : ` in ${session.namespace} namespace`;
    const isNamespaced = wanted.some(({ resource }) => resource.namespaced);
    session.terminal.error(`No resources found${isNamespaced ? where : ""}\n`);
  }
}

/** All pages of a collection, or the one object; returns the resourceVersion to watch from. */
async function list(
  session: Session,
  argument: ObjectArgument,
  options: GetOptions,
  print: (table: Table) => void,
): Promise<string> {
  let version = "";
  let next: string | undefined;
  do {
    const table = await request<Table>(session, argument, options, { accept: TABLE, next });
    if (table === undefined) return version;
    print(table);
    version = table.metadata.resourceVersion ?? version;
    next = table.metadata.continue;
  } while (next !== undefined && next !== "");
  return version;
}

async function follow(
  session: Session,
  argument: ObjectArgument,
  options: GetOptions,
  resourceVersion: string,
  printer: TablePrinter,
): Promise<void> {
  const { name, resource } = argument;
  const path = pathOf({ resource, namespace: namespaceFor(session) });
  const query = {
    resourceVersion,
    labelSelector: options.selector,
    fieldSelector: name === undefined ? options.fieldSelector : `metadata.name=${name}`,
  };
  const events = watch<Table>(session.connection, path, {
    accept: TABLE,
    query,
    signal: session.signal,
  });
  for await (const event of events) if (event.type !== "BOOKMARK") printer.print(event.object);
}

async function getObjects(
  session: Session,
  wanted: readonly ObjectArgument[],
  options: GetOptions,
  format: OutputFormat,
): Promise<void> {
  const found: JsonObject[] = [];
  for (const argument of wanted) found.push(...(await objectsOf(session, argument, options)));
  const single = wanted.length === 1 && wanted[0]?.name !== undefined ? found[0] : undefined;
  if (single === undefined && options.ignoreNotFound === true && found.length === 0) return;
  const value = single ?? { apiVersion: "v1", kind: "List", metadata: {}, items: found };
  session.terminal.out(formatObject(format, value));
}

async function objectsOf(
  session: Session,
  argument: ObjectArgument,
  options: GetOptions,
): Promise<readonly JsonObject[]> {
  interface ObjectListing {
    readonly items: readonly JsonObject[];
    readonly metadata: { readonly continue?: string };
  }
  const found: JsonObject[] = [];
  let next: string | undefined;
  do {
    const accept = "application/json";
    const answer = await request<JsonObject & ObjectListing>(session, argument, options, {
      accept,
      next,
    });
    if (answer === undefined) return found;
    if (argument.name !== undefined) return [answer];
    const { resource } = argument;
    const apiVersion =
      resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
    // Items of a list leave out what the list says once; alone they need it.
    for (const item of answer.items) found.push({ apiVersion, kind: resource.kind, ...item });
    next = answer.metadata.continue;
  } while (next !== undefined && next !== "");
  return found;
}

async function request<T>(
  session: Session,
  argument: ObjectArgument,
  options: GetOptions,
  more: { readonly accept: string; readonly next: string | undefined },
): Promise<T | undefined> {
  const { name, resource } = argument;
  const query =
    name === undefined
      ? {
          limit: PAGE_LIMIT,
          continue: more.next,
          labelSelector: options.selector,
          fieldSelector: options.fieldSelector,
        }
      : {};
  try {
    const path = pathOf({ resource, namespace: namespaceFor(session), name });
    return await session.connection.json<T>(path, {
      accept: more.accept,
      query,
      onWarning: session.warn,
    });
  } catch (error) {
    if (options.ignoreNotFound === true && StatusError.is(error, "NotFound")) return undefined;
    throw error;
  }
}

function namespaceFor(session: Session): string | undefined {
  return session.allNamespaces ? undefined : session.namespace;
}

/** Prints Tables, and later rows of the same table under the same header. */
class TablePrinter {
  readonly #session: Session;
  readonly #options: GetOptions;
  readonly #look: {
    readonly isWide: boolean;
    readonly argument: ObjectArgument;
    readonly many: boolean;
  };
  #columns: readonly number[] = [];
  #widths: readonly number[] = [];
  #hasHeader = false;
  rows = 0;

  constructor(
    session: Session,
    options: GetOptions,
    look: { readonly isWide: boolean; readonly argument: ObjectArgument; readonly many: boolean },
  ) {
    this.#session = session;
    this.#options = options;
    this.#look = look;
  }

  print(table: Table): void {
    const { terminal } = this.#session;
    const rows = (table.rows ?? []).map((row) => row);
    if (rows.length === 0) return;
    const isFirst = !this.#hasHeader;
    const header = isFirst ? this.#header(table) : undefined;
    const cells = rows.map((row) => this.#cells(row));
    if (header !== undefined) this.#widths = columnWidths([header, ...cells]);
    // Rows that come later may be wider: columns grow, they never shrink.
    this.#widths = columnWidths([this.#widths.map((width) => " ".repeat(width)), ...cells]);
    if (header !== undefined && this.#options.headers !== false) {
      terminal.out(formatRow(header, this.#widths));
    }
    this.#hasHeader = true;
    for (const row of cells) terminal.out(formatRow(row, this.#widths));
    this.rows += rows.length;
  }

  #header(table: Table): readonly string[] {
    const definitions = table.columnDefinitions ?? [];
    this.#columns = definitions
      .map((column, at) => ({ column, at }))
      .filter(({ column }) => this.#look.isWide || column.priority === 0)
      .map(({ at }) => at);
    const names = this.#columns.map((at) => definitions[at]?.name.toUpperCase() ?? "");
    return [
      ...(this.#showsNamespace() ? ["NAMESPACE"] : []),
      ...names,
      ...(this.#options.showLabels === true ? ["LABELS"] : []),
    ];
  }

  #cells(row: TableRow): readonly string[] {
    const { argument, many } = this.#look;
    const cells = this.#columns.map((at) => formatCell(row.cells[at]));
    if (many) cells[0] = `${kindPrefix(argument)}/${cells[0]}`;
    const { metadata } = (row.object ?? {}) as {
      readonly metadata?: { readonly namespace?: string; readonly labels?: Record<string, string> };
    };
    const labels = Object.entries(metadata?.labels ?? {}).map(([key, value]) => `${key}=${value}`);
    return [
      ...(this.#showsNamespace() ? [metadata?.namespace ?? ""] : []),
      ...cells,
      ...(this.#options.showLabels === true ? [labels.join(",") || "<none>"] : []),
    ];
  }

  #showsNamespace(): boolean {
    return this.#session.allNamespaces && this.#look.argument.resource.namespaced;
  }
}

function kindPrefix({ resource }: ObjectArgument): string {
  return resource.group === "" ? resource.singular : `${resource.singular}.${resource.group}`;
}

function formatCell(cell: unknown): string {
  if (cell === null || cell === undefined || cell === "") return cell === "" ? "" : "<none>";
  return String(cell);
}
